// The page's views by their addresses, in the group of test/console/group.ts.
import type { Page } from 'playwright-core';
import { rowOf, tableOf } from './locators.ts';

/** Every view, and what shows that it is there with all it has. */
export const views: readonly (readonly [address: string, isThere: (page: Page) => Promise<unknown>])[] = [
  ['#/', (page) => rowOf(page, 'Partitions', 'orders/0').waitFor()],
  ['#/agents', (page) => rowOf(page, 'Agents', 'broker-1').waitFor()],
  ['#/agents/broker-1', (page) => page.getByRole('heading', { level: 2, name: /broker-1/ }).waitFor()],
  ['#/topics', (page) => rowOf(page, 'Topics', 'orders').waitFor()],
  ['#/topics/orders', (page) => rowOf(page, 'Partitions of orders', 'orders/0').waitFor()],
  ['#/topics/orders/3', (page) => tableOf(page, 'History of orders/3').waitFor()],
  ['#/groups', (page) => page.getByRole('rowheader', { name: 'billing' }).waitFor()],
  ['#/groups/billing', (page) => page.getByText('orders/0').first().waitFor()],
  ['#/events', (page) => page.getByRole('heading', { level: 2, name: 'Events' }).waitFor()],
  ['#/nowhere', (page) => page.getByText('There is no view').waitFor()],
];
