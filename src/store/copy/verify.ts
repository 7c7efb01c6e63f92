// The comparison of both stores after a copy: every row of every copied table, read back from both sides in the order of the key.
import { createHash } from 'node:crypto';
import { asCopied, asStored } from './contents.ts';
import type { CopyColumn, CopyDatabase, CopyRow, CopyTable, CopyValue, Selection } from './copy-database.ts';

export interface VerifiedTable {
  readonly table: string;
  readonly rows: number;
  /** SHA-256 over the canonical values of all rows, hexadecimal. */
  readonly checksum: string;
  /** The highest epoch in the table, 0 where there is none. */
  readonly epochMax: number;
}

export type Comparison =
  | ({ readonly outcome: 'equal' } & VerifiedTable)
  | {
      readonly outcome: 'different';
      readonly table: string;
      readonly source: Pick<VerifiedTable, 'rows' | 'checksum'>;
      readonly target: Pick<VerifiedTable, 'rows' | 'checksum'>;
    };

const batchRows = 5_000;

/** Streams: neither side is ever in memory as a whole. `onRows` is told of each batch of the target. */
export async function compareTable(
  source: CopyDatabase,
  target: CopyDatabase,
  table: CopyTable,
  onRows: (rows: number) => Promise<void>,
): Promise<Comparison> {
  // SQLite keeps milliseconds; where it is one of the sides, no more is compared.
  const timeStepUs = source.backend === target.backend ? 1 : 1_000;
  const [there, here] = await Promise.all([
    digest(source, table, asCopied(table.name), timeStepUs, async () => {}),
    digest(target, table, asStored, timeStepUs, onRows),
  ]);
  if (there.rows === here.rows && there.checksum === here.checksum) return { outcome: 'equal', ...here };
  const figures = ({ rows, checksum }: VerifiedTable) => ({ rows, checksum });
  return { outcome: 'different', table: table.name, source: figures(there), target: figures(here) };
}

async function digest(
  side: CopyDatabase,
  table: CopyTable,
  selection: Selection,
  timeStepUs: number,
  onRows: (rows: number) => Promise<void>,
): Promise<VerifiedTable> {
  const hash = createHash('sha256');
  const epoch = table.columns.findIndex(({ name }) => name === 'epoch');
  let rows = 0;
  let epochMax = 0;
  for await (const batch of batches(side, table, undefined, batchRows, selection)) {
    for (const row of batch) {
      const values = row.map((value, index) => canonical(value, table.columns[index], timeStepUs));
      hash.update(`${JSON.stringify(values)}\n`);
      const given = row[epoch];
      if (typeof given === 'number') epochMax = Math.max(epochMax, given);
    }
    rows += batch.length;
    await onRows(rows);
  }
  return { table: table.name, rows, checksum: hash.digest('hex'), epochMax };
}

/** The rows of a table from behind `after` to its end, in batches. */
export async function* batches(
  side: CopyDatabase,
  table: CopyTable,
  after: CopyRow | undefined,
  limit: number,
  selection: Selection,
): AsyncGenerator<readonly CopyRow[]> {
  for (;;) {
    const rows = await side.read(table, after, limit, selection);
    if (rows.length > 0) yield rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < limit) return;
    after = keyOf(table, last);
  }
}

export function keyOf(table: CopyTable, row: CopyRow): CopyRow {
  return table.key.map((name) => row[table.columns.findIndex((column) => column.name === name)] ?? null);
}

/** Two stores may keep one value in two ways: JSON with its keys in another order, times in finer steps. */
function canonical(value: CopyValue, column: CopyColumn | undefined, timeStepUs: number): unknown {
  if (column?.kind === 'json' && typeof value === 'string') return inKeyOrder(JSON.parse(value));
  if (column?.kind === 'time' && typeof value === 'number') return Math.floor(value / timeStepUs);
  return value;
}

function inKeyOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inKeyOrder);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, each]) => [key, inKeyOrder(each)]);
}
