// Who can use the page: with a screen reader, by keyboard alone, on a telephone, in the dark, and with ten thousand partitions.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { visit } from './browser.ts';
import { views } from './views.ts';
import { answerDialog, button, rowOf, tabTo, untilCells } from './locators.ts';
import type { ConsoleSite } from './site.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const axeAnswer = z.array(z.object({ id: z.string(), nodes: z.array(z.string()) }));

export function useClaims(site: () => ConsoleSite): void {
  test.each(['light', 'dark'] as const)(
    'every view is accessible (WCAG 2.1 A and AA), %s',
    async (colorScheme) => {
      const { browser, group } = site();
      await visit(
        browser,
        group.url,
        async (page) => {
          await page.evaluate(axe); // by the debugger, which the page's policy does not bind
          const found: string[] = [];
          const check = async (where: string) =>
            found.push(...(await violations(page)).map((each) => `${where} ${each}`));
          for (const [address, isThere] of views) {
            await page.goto(`${group.url}${address}`);
            await isThere(page);
            await check(address);
          }
          await page.goto(`${group.url}#/agents`);
          await button(page, 'Drain broker-1').click();
          await page.getByRole('dialog').waitFor();
          await check('the drain dialog');
          expect(found).toEqual([]);
        },
        { colorScheme },
      );
    },
  );

  test('the theme changes by its button', async () => {
    const { browser, group } = site();
    await visit(browser, group.url, async (page) => {
      const background = () =>
        page.evaluate(
          'getComputedStyle(document.documentElement).backgroundColor + getComputedStyle(document.body).backgroundColor',
        );
      await rowOf(page, 'Partitions', 'orders/0').waitFor();
      const before = await background();
      await button(page, 'Theme').click();
      expect(await background()).not.toBe(before);
    });
  });

  test('the keyboard alone walks the map and drains an agent', async () => {
    const { browser, group } = site();
    await visit(browser, group.url, async (page) => {
      await rowOf(page, 'Partitions', 'orders/0').waitFor();
      const map = page.getByLabel(/^Partitions by agent/);
      await tabTo(page, map);
      await page.keyboard.press('ArrowRight');
      await page.keyboard.press('ArrowRight');
      await page.getByText(/^(orders|invoices)\/\d is led by broker-\d, epoch \d+/).waitFor();
      await page.keyboard.press('Enter');
      await page.waitForURL(/#\/topics\/(orders|invoices)\/\d$/);

      await tabTo(page, page.getByRole('link', { name: 'Agents', exact: true }));
      await page.keyboard.press('Enter');
      await tabTo(page, button(page, 'Drain broker-3'));
      await page.keyboard.press('Enter');
      await page.getByRole('dialog').waitFor();
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      await button(page, 'Drain broker-3').and(page.locator(':focus')).waitFor();
      await page.keyboard.press('Enter');
      await tabTo(page, button(page.getByRole('dialog'), 'Drain'));
      await page.keyboard.press('Enter');
      const row = rowOf(page, 'Agents', 'broker-3');
      await untilCells(row, ([state, leads]) => state === 'draining' && leads === '0');
      await tabTo(page, button(page, 'Uncordon broker-3'));
      await page.keyboard.press('Enter');
      await answerDialog(page, 'Uncordon');
      await untilCells(row, ([state]) => state === 'active');
    });
  });

  test('nothing is wider than a narrow telephone', async () => {
    const { browser, group } = site();
    await visit(
      browser,
      group.url,
      async (page) => {
        for (const [address, isThere] of views) {
          await page.goto(`${group.url}${address}`);
          await isThere(page);
          const width = await page.evaluate('document.scrollingElement.scrollWidth');
          expect({ address, width }).toEqual({ address, width: 360 });
        }
      },
      { viewport: { width: 360, height: 740 } },
    );
  });

  test('ten thousand partitions: few nodes, and each can be found', async () => {
    const { browser } = site();
    const url = await site().many();
    await visit(browser, 'about:blank', async (page) => {
      await page.addInitScript(`globalThis.longTasks = [];
        new PerformanceObserver((list) => globalThis.longTasks.push(...list.getEntries().map(({ duration }) => duration)))
          .observe({ type: 'longtask', buffered: true });`);
      await page.goto(url);
      await page.getByLabel(/^Partitions by agent: 10000 partitions, 0 without/).waitFor();
      await page.getByLabel('Find partition').fill('bulk/9999');
      await rowOf(page, 'Partitions', 'bulk/9999').waitFor();
      await page.getByLabel('Find partition').fill('');
      await rowOf(page, 'Partitions', 'bulk/0').waitFor();
      expect(await page.evaluate('document.querySelectorAll("*").length')).toBeLessThan(nodesMax);
      await page.goto(`${url}#/topics/bulk`);
      await rowOf(page, 'Partitions of bulk', 'bulk/0').waitFor();
      expect(await page.evaluate('document.querySelectorAll("*").length')).toBeLessThan(nodesMax);
      const tasks = z.array(z.number()).parse(await page.evaluate('globalThis.longTasks'));
      site().measured(`10,000 partitions: ${tasks.length} long tasks, the longest`, Math.max(0, ...tasks));
    });
  });
}

/** A table with all rows would have more than 40,000. */
const nodesMax = 1_500;

/** Rule and element of each violation. */
async function violations(page: Page): Promise<string[]> {
  const found = axeAnswer.parse(
    await page.evaluate(`axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] }).then(
      ({ violations }) => violations.map(({ id, nodes }) => ({ id, nodes: nodes.map(({ html }) => html.slice(0, 200)) })))`),
  );
  return found.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node}`));
}
