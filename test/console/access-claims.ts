// Tokens, an agent that goes away and comes back, and names that would be markup.
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { visit } from './browser.ts';
import { changingToken, markup, readingToken } from './guarded-agent.ts';
import { answerDialog, button, rowOf, untilCells } from './locators.ts';
import type { ConsoleSite } from './site.ts';

/** The browser itself says on the console what was refused. */
const forgiven = /status of 40[13]/;
const away = /status of 40[13]|net::ERR_|status of 503/;

export function accessClaims(site: () => ConsoleSite): void {
  test('it asks for the token, says that one is wrong, and changes nothing with one that only reads', async () => {
    const { browser, guarded } = site();
    await visit(
      browser,
      `${guarded.url}#/agents`,
      async (page) => {
        await giveToken(page, 'a-token-that-is-made-up');
        await page.getByRole('dialog').getByRole('alert').getByText('did not accept').waitFor();
        expect(await page.getByRole('rowheader').count()).toBe(0);

        await giveToken(page, readingToken);
        const row = rowOf(page, 'Agents', 'broker-1');
        await button(page, 'Cordon broker-1').click();
        await button(page.getByRole('dialog'), 'Cordon').click();
        await page.getByRole('dialog').getByRole('alert').waitFor();
        await answerDialog(page, 'Cancel');
        await untilCells(row, ([state]) => state === 'active');
        expect(await guarded.ask('GET', '/v1/agents/broker-1')).toMatchObject({ placement: 'open' });

        await button(page, 'Give a token').click();
        await fillToken(page, changingToken);
        await button(page, 'Cordon broker-1').click();
        await answerDialog(page, 'Cordon');
        await untilCells(row, ([state]) => state === 'cordoned');
        await guarded.ask('POST', '/v1/agents/broker-1/uncordon');
      },
      { forgiven },
    );
  });

  test('the token stays in memory: nothing is stored, and a reload asks again', async () => {
    const { browser, guarded } = site();
    await visit(
      browser,
      guarded.url,
      async (page, { context, requested }) => {
        await giveToken(page, changingToken);
        await rowOf(page, 'Partitions', 'orders/0').waitFor();
        const kept = await page.evaluate(`(async () => JSON.stringify([
          location.href, document.cookie, { ...localStorage }, { ...sessionStorage }, history.state,
          await indexedDB.databases(), await caches.keys(), document.documentElement.outerHTML,
        ]))()`);
        const state = await context.storageState({ indexedDB: true });
        expect(state).toEqual({ cookies: [], origins: [] });
        expect([kept, JSON.stringify(requested)].join()).not.toContain(changingToken);
        await page.reload();
        await page.getByRole('dialog', { name: 'Token needed' }).waitFor();
        expect(await page.getByRole('rowheader').count()).toBe(0);
      },
      { forgiven },
    );
  });

  test('addresses and metadata are text, whatever they hold', async () => {
    const { browser, guarded } = site();
    await visit(
      browser,
      `${guarded.url}#/agents`,
      async (page, { requested }) => {
        page.on('dialog', (dialog) => {
          requested.push(`the markup ran: ${dialog.message()}`);
          void dialog.dismiss();
        });
        await giveToken(page, changingToken);
        // What arrives first moves the header's links, and a click may miss the one that it is meant for.
        await rowOf(page, 'Agents', 'broker-1').waitFor();
        for (const name of ['Agents', 'Overview', 'Topics', 'Events']) {
          await page.getByRole('navigation').getByRole('link', { name, exact: true }).click();
          await page.getByRole('heading', { level: 2, name, exact: true }).waitFor();
          expect(await page.locator('img').count()).toBe(0);
        }
        await page.goto(`${guarded.url}#/agents/broker-1`);
        await page.getByText(markup).first().waitFor();
        await page.goto(`${guarded.url}#/agents`);
        const row = await rowOf(page, 'Agents', 'broker-1').innerText();
        expect(row.split(markup).length).toBeGreaterThan(2);
        expect(await page.locator('img').count()).toBe(0);
        expect(requested.filter((url) => /\/x$|markup/.test(url))).toEqual([]);
      },
      { forgiven },
    );
  });

  test('its agent goes away: it says that what it shows is old; back again, it goes on without a reload', async () => {
    const { browser, guarded } = site();
    await visit(
      browser,
      guarded.url,
      async (page) => {
        await giveToken(page, changingToken);
        await rowOf(page, 'Partitions', 'orders/0').waitFor();
        await page.getByText(/^1 active of 1$/).waitFor();
        await page.evaluate('globalThis.isSamePage = true');
        const stale = page.getByRole('status').filter({ hasText: 'as of' });
        expect(await stale.count()).toBe(0);
        await guarded.kill();
        await stale.waitFor();
        await rowOf(page, 'Partitions', 'orders/0').waitFor();
        await guarded.start();
        await stale.waitFor({ state: 'detached' });
        await guarded.ask('POST', '/v1/topics', { name: 'afterwards', partitionCount: 1 });
        await rowOf(page, 'Partitions', 'afterwards/0').waitFor();
        expect(z.boolean().parse(await page.evaluate('globalThis.isSamePage'))).toBe(true);
      },
      { forgiven: away },
    );
  });
}

async function giveToken(page: Page, token: string): Promise<void> {
  await page.getByRole('dialog', { name: 'Token needed' }).waitFor();
  await fillToken(page, token);
}

async function fillToken(page: Page, token: string): Promise<void> {
  await page.getByLabel('Token', { exact: true }).fill(token);
  await button(page, 'Use token').click();
}
