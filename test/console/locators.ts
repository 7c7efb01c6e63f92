// Where things are on the page: by role and name, as people and screen readers find them.
import type { Locator, Page } from 'playwright-core';
import { eventuallyHolds } from '../support/eventually.ts';

export const tableOf = (page: Page, name: string): Locator => page.getByRole('table', { name, exact: true });

/** The row that is headed so: `orders/3`, `broker-1`. */
export const rowOf = (page: Page, table: string, heading: string): Locator =>
  tableOf(page, table)
    .getByRole('row')
    .filter({ has: page.getByRole('rowheader', { name: heading, exact: true }) });

export const button = (page: Page | Locator, name: string): Locator =>
  page.getByRole('button', { name, exact: true });

/** An item of the timeline. */
export const happening = (page: Page, text: RegExp | string): Locator =>
  page.getByRole('list', { name: 'Events' }).getByRole('listitem').filter({ hasText: text }).first();

/** Cells of a row, as read aloud: without the signs before states, which are for the eye. */
export async function cellsOf(row: Locator): Promise<string[]> {
  return (await row.getByRole('cell').allInnerTexts()).map((text) => text.replace(/^[^\w\s] /, ''));
}

/** Waits until the row's cells are as wanted. */
export async function untilCells(row: Locator, wanted: (cells: readonly string[]) => boolean): Promise<void> {
  await eventuallyHolds(
    async () => {
      const cells = await cellsOf(row);
      if (!wanted(cells)) throw new Error(`${String(row)} reads ${JSON.stringify(cells)}`);
    },
    { what: 'a row to change', timeoutMs: 20_000 },
  );
}

/** In the dialog that is open, presses this button; the dialog must go. */
export async function answerDialog(page: Page, name: string): Promise<void> {
  const dialog = page.getByRole('dialog');
  await button(dialog, name).click();
  await dialog.waitFor({ state: 'detached' });
}

/** Presses Tab until what has the focus has this name; a person would not go on for ever either. */
export async function tabTo(page: Page, wanted: Locator): Promise<void> {
  const pressesMax = 150;
  await wanted.waitFor();
  for (let presses = 0; presses < pressesMax; presses += 1) {
    await page.keyboard.press('Tab');
    if ((await wanted.and(page.locator(':focus')).count()) === 1) return;
  }
  throw new Error(`Tab does not reach ${String(wanted)}`);
}
