// Not a test but for people: pictures of every view while an agent is taken over and another drained, written to SCREENSHOTS_DIR.
import { join } from 'node:path';
import process from 'node:process';
import type { BrowserContextOptions } from 'playwright-core';
import { expect, inject, test } from 'vitest';
import { postgresStore } from '../e2e/cluster.ts';
import { findChromium } from '../support/chromium.ts';
import { Visit } from './browser.ts';
import { changingToken } from './guarded-agent.ts';
import { button, happening } from './locators.ts';
import { ConsoleSite } from './site.ts';
import { mustDo } from './group.ts';
import { views } from './views.ts';

const ways: Readonly<Record<string, BrowserContextOptions>> = {
  light: { colorScheme: 'light' },
  dark: { colorScheme: 'dark' },
  mobile: { colorScheme: 'light', viewport: { width: 360, height: 740 }, deviceScaleFactor: 2 },
};

test('pictures of every view, light, dark and mobile', async () => {
  const folder = process.env['SCREENSHOTS_DIR'] ?? '';
  if (folder === '') throw new Error('SCREENSHOTS_DIR names no directory to write to');
  const chromium = await findChromium();
  if (chromium.outcome === 'not_there') throw new Error(chromium.reason);
  const [target] = inject('postgresTargets');
  if (target === undefined) throw new Error('there is no PostgreSQL');

  await using site = await ConsoleSite.start(chromium.found, postgresStore(target.url));
  const { group, guarded, browser } = site;
  const many = await site.many();
  await mustDo(group.agent('broker-1'), 'POST', '/v1/topics', { name: 'invoices', partitionCount: 9 });
  const visitors = await Promise.all(
    Object.entries(ways).map(async ([way, options]) => {
      const visit = await Visit.begin(browser, options);
      await visit.page.goto(group.url);
      const shoot = async (name: string) =>
        visit.page.screenshot({ path: join(folder, `${way}-${name}.png`), fullPage: true });
      return { page: visit.page, shoot };
    }),
  );
  // Something to see in the timeline.
  await group.agent('broker-3')[Symbol.asyncDispose]();
  await mustDo(group.agent('broker-1'), 'POST', '/v1/agents/broker-2/cordon');
  for (const { page, shoot } of visitors) {
    await happening(page, /orders\/\d+: \S+ → broker-[12] /).waitFor();
    for (const [address, isThere] of views) {
      await page.goto(`${group.url}${address}`);
      await isThere(page);
      await shoot(address.replace(/^#\//, '').replaceAll('/', '-') || 'overview');
    }
    await page.goto(`${group.url}#/agents`);
    await button(page, 'Drain broker-1').click();
    await shoot('drain-dialog');
    await page.goto(many);
    await page.getByLabel(/^Partitions by agent: 10000/).waitFor();
    await shoot('ten-thousand');
    await page.goto(`${guarded.url}#/agents`);
    await page.getByRole('dialog').waitFor();
    await shoot('token-dialog');
    await page.getByLabel('Token', { exact: true }).fill(changingToken);
    await button(page, 'Use token').click();
    await page.getByRole('rowheader').first().waitFor();
    await shoot('guarded-agents');
  }
  await guarded.kill();
  for (const { page, shoot } of visitors) {
    await page.getByRole('status').filter({ hasText: 'as of' }).waitFor();
    await shoot('stale');
  }
  expect(visitors).toHaveLength(3);
});
