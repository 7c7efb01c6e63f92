// Rows and facts as aligned text. Plain: no colours, no borders, so that awk, grep and eyes read the same thing.
import { printable } from './printable.ts';

export type Cell = string | number | null | undefined;

export interface Column<T> {
  /** Upper case, without blanks: a header is one word to awk too. */
  readonly header: string;
  value(row: T): Cell;
  /** Numbers stand right, so that their digits line up. Default: left. */
  readonly align?: 'right';
  /** Shown with `-o wide` alone. */
  readonly isWide?: boolean;
}

/** Header and rows, each line ended. The header comes always, also for no rows and into a pipe, as kubectl does it. */
export function formatTable<T>(columns: readonly Column<T>[], rows: readonly T[]): string {
  const lines = [
    columns.map(({ header }) => header),
    ...rows.map((row) => columns.map((column) => cellText(column.value(row)))),
  ];
  const widths = columns.map((_, index) => widest(lines.map((line) => line[index] ?? '')));
  const formatLine = (line: readonly string[]): string =>
    line
      .map((text, index) => pad(text, widths[index] ?? 0, columns[index]?.align))
      .join('   ')
      .trimEnd();
  return lines.map((line) => `${formatLine(line)}\n`).join('');
}

/** One thing's facts, a line each: `Name:        orders`. */
export function formatFacts(facts: readonly (readonly [label: string, value: Cell])[]): string {
  const width = widest(facts.map(([label]) => label)) + 1;
  return facts
    .map(([label, value]) => `${pad(`${label}:`, width, undefined)}  ${cellText(value)}\n`)
    .join('');
}

/** What is absent shows as `-`: an empty cell would shift the columns behind it for awk. */
function cellText(value: Cell): string {
  return value === null || value === undefined || value === '' ? '-' : printable(String(value));
}

function pad(text: string, width: number, align: 'right' | undefined): string {
  const blanks = ' '.repeat(Math.max(0, width - length(text)));
  return align === 'right' ? blanks + text : text + blanks;
}

/** A loop, because a list may have more rows than a call may have arguments. */
function widest(texts: readonly string[]): number {
  let width = 0;
  for (const text of texts) width = Math.max(width, length(text));
  return width;
}

/** In code points: names are ASCII, and for the rest it is near enough. */
function length(text: string): number {
  return Array.from(text).length;
}
