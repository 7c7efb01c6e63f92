// What a page shows of a living cluster, and what an operator does through it.
import { expect, test } from 'vitest';
import type { ConsoleSite } from './site.ts';
import { eventually } from '../support/eventually.ts';
import { visit } from './browser.ts';
import { groupName, mustDo } from './group.ts';
import { answerDialog, button, cellsOf, happening, rowOf, tableOf, untilCells } from './locators.ts';

export function liveClaims(site: () => ConsoleSite): void {
  test('it loads, with the group in its title, and shows who leads what', async () => {
    const { browser, group } = site();
    await visit(browser, group.url, async (page) => {
      await page.getByRole('heading', { level: 1, name: 'StreamHouse' }).waitFor();
      await eventually(async () => (await page.title()).includes(groupName), { what: 'the title' });
      for (const name of ['Overview', 'Agents', 'Topics', 'Groups', 'Events']) {
        await page.getByRole('navigation').getByRole('link', { name, exact: true }).waitFor();
      }
      await page.getByLabel(/^Partitions by agent/).waitFor();
      const leases = await group.agent('broker-1').leases('orders');
      for (const [place, { agentId, epoch }] of leases) {
        const cells = await cellsOf(rowOf(page, 'Partitions', place));
        expect(cells).toEqual(expect.arrayContaining([agentId, String(epoch)]));
      }
      await page.getByLabel('Find partition').fill('orders/3');
      await rowOf(page, 'Partitions', 'orders/2').waitFor({ state: 'detached' });
      await rowOf(page, 'Partitions', 'orders/3').waitFor();
    });
  });

  test('a topic that is created elsewhere appears', async () => {
    const { browser, group } = site();
    await visit(browser, group.url, async (page) => {
      await rowOf(page, 'Partitions', 'orders/0').waitFor();
      await mustDo(group.agent('broker-2'), 'POST', '/v1/topics', { name: 'invoices', partitionCount: 3 });
      const createdAt = performance.now();
      await rowOf(page, 'Partitions', 'invoices/2').waitFor();
      site().measured('a topic created elsewhere is shown after', performance.now() - createdAt);
      await happening(page, 'topic invoices created with 3 partitions').waitFor();
      await page.getByRole('link', { name: 'Topics', exact: true }).click();
      await rowOf(page, 'Topics', 'invoices').waitFor();
    });
  });

  test('an agent is killed: timeline and table name the new leader and a higher epoch', async () => {
    const { browser, group } = site();
    await visit(browser, group.url, async (page) => {
      const before = [...(await group.agent('broker-1').leases('orders'))];
      const [place, old] = before.find(([, { agentId }]) => agentId === 'broker-3') ?? ['', { epoch: 0 }];
      await rowOf(page, 'Partitions', place).getByText('broker-3').waitFor();
      await group.agent('broker-3')[Symbol.asyncDispose]();
      const killedAt = performance.now();
      await happening(page, new RegExp(`${place}: \\S+ → broker-[12] `)).waitFor();
      site().measured('a takeover (TTL 2 s) is shown after', performance.now() - killedAt);
      const after = (await group.agent('broker-1').leases('orders')).get(place);
      expect(after?.epoch).toBeGreaterThan(old.epoch);
      const leader = String(after?.agentId);
      await happening(page, `→ ${leader} (epoch ${after?.epoch})`).waitFor();
      await untilCells(
        rowOf(page, 'Partitions', place),
        (cells) => cells.includes(leader) && cells.includes(String(after?.epoch)),
      );
      group.begin('broker-3');
      await happening(page, /agent broker-3(: \w+ → active| came)/).waitFor();
    });
    await group.untilAllLead();
  });

  test('an agent is drained by its button, after a question that can be taken back', async () => {
    const { browser, group } = site();
    await visit(browser, `${group.url}#/agents`, async (page) => {
      await button(page, 'Drain broker-2').click();
      await page.getByRole('dialog', { name: 'Drain broker-2?' }).waitFor();
      await answerDialog(page, 'Cancel');
      expect(await placementOf('broker-2')).toBe('open');

      await button(page, 'Drain broker-2').click();
      await answerDialog(page, 'Drain');
      const row = rowOf(page, 'Agents', 'broker-2');
      await untilCells(row, ([state, leads]) => state === 'draining' && leads === '0');
      expect(await placementOf('broker-2')).toBe('draining');
      expect(await group.agent('broker-2').held()).toEqual([]);

      await button(page, 'Uncordon broker-2').click();
      await answerDialog(page, 'Uncordon');
      await untilCells(row, ([state, leads]) => state === 'active' && leads !== '0');
      await button(page, 'Cordon broker-2').click();
      await answerDialog(page, 'Cordon');
      await untilCells(row, ([state]) => state === 'cordoned');
      await mustDo(group.agent('broker-1'), 'POST', '/v1/agents/broker-2/uncordon');
      await untilCells(row, ([state]) => state === 'active');
    });
    await group.untilAllLead();

    async function placementOf(agentId: string): Promise<unknown> {
      return (await group.agent('broker-1').ask('GET', `/v1/agents/${agentId}`)).body['placement'];
    }
  });

  test('a partition is moved to the agent that the operator names', async () => {
    const { browser, group } = site();
    await visit(browser, `${group.url}#/topics/orders`, async (page) => {
      await tableOf(page, 'Partitions of orders').waitFor();
      const before = (await group.agent('broker-1').leases('orders')).get('orders/3');
      const to = before?.agentId === 'broker-1' ? 'broker-2' : 'broker-1';
      await button(page, 'Move orders/3').click();
      await page.getByRole('dialog').getByLabel('Move to').selectOption(to);
      await answerDialog(page, 'Move');
      await untilCells(rowOf(page, 'Partitions of orders', 'orders/3'), ([leader]) => leader === to);
      const after = (await group.agent('broker-1').leases('orders')).get('orders/3');
      expect(after?.agentId).toBe(to);
      expect(after?.epoch).toBeGreaterThan(before?.epoch ?? 0);
    });
  });
}
