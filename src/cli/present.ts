// Answers on their way to the printer: as a table with its hints, or as the API's JSON.
import type { Command } from 'commander';
import { formatOf } from './connection.ts';
import type { CliContext } from './context.ts';
import type { Listing } from './listing.ts';
import { formatTable, type Column } from './table.ts';

/** Prints a list. `whenEmpty` tells a person at a terminal what to do about having nothing. */
export async function presentList<T>(
  { printer }: CliContext,
  command: Command,
  listing: Listing<T>,
  columns: readonly Column<T>[],
  whenEmpty: string,
): Promise<void> {
  if (formatOf(command) === 'json') return printer.json(listing.body);
  await printer.data(formatTable(columns, listing.rows));
  if (listing.rows.length === 0) await printer.hint(whenEmpty);
  if (listing.hasMore)
    await printer.hint(`only the first ${listing.rows.length}, as --limit says; there are more`);
}

/** Prints one answer: `body` as JSON, or what `table` makes of it. */
export async function presentOne(
  { printer }: CliContext,
  command: Command,
  body: unknown,
  table: () => string,
): Promise<void> {
  await (formatOf(command) === 'json' ? printer.json(body) : printer.data(table()));
}
