// One batch of a table in the order of its key: the same question to both backends.
import type { Row } from '../sql/statement.ts';
import type { CopyColumn, CopyRow, CopyTable, CopyValue } from './copy-database.ts';

export interface BatchWords {
  readonly quote: (name: string) => string;
  /** The table, with its schema where there is one. */
  readonly from: string;
  /** What is read for a column, in the form in which values travel. */
  readonly selected: (column: CopyColumn) => string;
}

/** To be asked with `batchValues`. */
export function batchQuery(
  { columns, key }: CopyTable,
  after: CopyRow | undefined,
  { quote, from, selected }: BatchWords,
): string {
  const list = columns.map((column) => `${selected(column)} as ${quote(column.name)}`).join(', ');
  const place = key.map((name) => `t.${quote(name)}`).join(', ');
  const behind = key.map((_, index) => `$${index + 2}`).join(', ');
  const where = after === undefined ? '' : `where (${place}) > (${behind})`;
  return `select ${list} from ${from} t ${where} order by ${place} limit $1`;
}

export function batchValues(after: CopyRow | undefined, limit: number): CopyRow {
  return [limit, ...(after ?? [])];
}

export function rowsOf({ columns }: CopyTable, rows: readonly Row[]): CopyRow[] {
  return rows.map((row) => columns.map(({ name }) => valueOf(row, name)));
}

function valueOf(row: Row, column: string): CopyValue {
  const value = row[column];
  if (value === null || typeof value === 'string' || typeof value === 'number') return value;
  throw new TypeError(`column ${column}: the copy cannot carry a ${typeof value}`);
}
