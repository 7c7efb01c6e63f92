// Answers on their way to the printer, in the form that `-o` asks for: as a table with its hints, as names, or as the API's own
// answer in JSON or YAML.
import type { Command } from 'commander';
import { stringify } from 'yaml';
import { formatOf } from './connection.ts';
import type { CliContext } from './context.ts';
import type { Listing } from './listing.ts';
import type { OutputFormat } from './output-format.ts';
import { printable } from './printable.ts';
import { formatTable, type Column } from './table.ts';

/** An answer in every form. */
export interface Presentation {
  /** As the agent said it. */
  readonly body: unknown;
  readonly table: (isWide: boolean) => string;
  /** Of what the answer is about, each as other commands take it. Default: it has none. */
  readonly names?: () => readonly string[];
  /** Beside the table, for a person at a terminal. */
  readonly hints?: readonly string[];
}

export interface ListWords<T> {
  /** As other commands take it: `orders/3`. */
  readonly name: (row: T) => string;
  /** What to do about having nothing. */
  readonly whenEmpty: string;
}

/** A list in every form. */
export function listed<T>(
  { rows, body, hasMore }: Listing<T>,
  columns: readonly Column<T>[],
  { name, whenEmpty }: ListWords<T>,
): Presentation {
  return {
    body,
    table: (isWide) => formatTable(columnsFor(columns, isWide), rows),
    names: () => rows.map(name),
    hints: [
      ...(rows.length === 0 ? [whenEmpty] : []),
      ...(hasMore ? [`only the first ${rows.length}, as --limit says; there are more`] : []),
    ],
  };
}

/** Prints one answer. */
export async function present(
  { printer }: CliContext,
  command: Command,
  presentation: Presentation,
): Promise<void> {
  const format = formatOf(command);
  await printer.data(formatted(format, presentation));
  if (format !== 'table' && format !== 'wide') return;
  for (const hint of presentation.hints ?? []) await printer.hint(hint);
}

/** Prints one answer: `body` as JSON or YAML, its `name`, or what `table` makes of it. */
export async function presentOne(
  context: CliContext,
  command: Command,
  body: unknown,
  table: (isWide: boolean) => string,
  name?: string,
): Promise<void> {
  await present(context, command, { body, table, ...(name === undefined ? {} : { names: () => [name] }) });
}

/** An answer without names is a table also where names are asked for: what was done is not undone by failing now. */
export function formatted(format: OutputFormat, { body, table, names }: Presentation): string {
  if (format === 'json') return `${JSON.stringify(body, undefined, 2)}\n`;
  if (format === 'yaml') return stringify(body);
  if (format !== 'name' || names === undefined) return table(format === 'wide');
  return names()
    .map((name) => `${printable(name)}\n`)
    .join('');
}

export function columnsFor<T>(columns: readonly Column<T>[], isWide: boolean): readonly Column<T>[] {
  return isWide ? columns : columns.filter((column) => column.isWide !== true);
}
