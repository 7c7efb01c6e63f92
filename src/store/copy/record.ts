// The record of a copy under way, kept in the target: while there is one, nobody but the copy may use the store. Written with
// each batch, in its transaction, so that whatever was interrupted goes on exactly behind its last row.
import { copyingLevel } from '../sql/migrations.ts';
import { readNumber, readText } from '../sql/read.ts';
import type { CopyDatabase, CopyRow, CopyRunner } from './copy-database.ts';
import { CopyRefused } from './refused.ts';

export interface CopiedSoFar {
  readonly rows: number;
  /** Key of the last row; null before the first. */
  readonly after: CopyRow | null;
  readonly isWhole: boolean;
}

export interface CopyRecord {
  /** The source, as `CopyDatabase.identity` names it. */
  readonly source: string;
  /** Migrations that the stores had when the copy began. */
  readonly level: number;
  /** What `min_compatible` is again when the store is opened. */
  readonly minCompatible: number;
  readonly tables: Readonly<Record<string, CopiedSoFar>>;
  /** The comparison found a difference: going on would not mend it. */
  readonly hasFailed: boolean;
}

const nothingYet: CopiedSoFar = { rows: 0, after: null, isWhole: false };

export function copiedSoFar(record: CopyRecord, table: string): CopiedSoFar {
  return record.tables[table] ?? nothingYet;
}

/** The record that the target holds, if a copy into it has begun. */
export async function readRecord(target: CopyDatabase): Promise<CopyRecord | undefined> {
  if (!(await target.tables()).some(({ name }) => name === 'store_copy')) return undefined;
  const [row] = await target.query(`select record from ${target.table('store_copy')}`);
  if (row === undefined) throw new Error('the table store_copy is empty');
  return JSON.parse(readText(row, 'record'));
}

/** Puts the mark on the store: the record, and a level that keeps every program away. Answers the record. */
export async function putMark(
  target: CopyDatabase,
  tx: CopyRunner,
  copy: Pick<CopyRecord, 'source' | 'level'>,
  old: CopyRecord | undefined,
): Promise<CopyRecord> {
  const storeInfo = target.table('store_info');
  const storeCopy = target.table('store_copy');
  const [info] = await tx.query(`select min_compatible from ${storeInfo}`);
  if (info === undefined) throw new Error('the table store_info is empty');
  const minCompatible = old?.minCompatible ?? readNumber(info, 'min_compatible');
  const record: CopyRecord = { ...copy, minCompatible, tables: {}, hasFailed: false };
  if (old !== undefined) await tx.query(`drop table ${storeCopy}`);
  await tx.query(`create table ${storeCopy} (record text not null)`);
  await tx.query(`insert into ${storeCopy} (record) values ($1)`, [JSON.stringify(record)]);
  await tx.query(`update ${storeInfo} set min_compatible = ${copyingLevel}`);
  return record;
}

/** Only if the record is as this process knows it: two copies into one store would each skip what the other has done. */
export async function replaceRecord(
  target: CopyDatabase,
  tx: CopyRunner,
  from: CopyRecord,
  to: CopyRecord,
): Promise<void> {
  const changed = await tx.query(
    `update ${target.table('store_copy')} set record = $2 where record = $1 returning 1 as changed`,
    [JSON.stringify(from), JSON.stringify(to)],
  );
  if (changed.length !== 1) {
    throw new CopyRefused('another copy works on this target; let one of them run alone');
  }
}

/** Takes the mark away, in the transaction that opens the store. */
export async function takeMark(target: CopyDatabase, tx: CopyRunner, record: CopyRecord): Promise<void> {
  await replaceRecord(target, tx, record, record);
  await tx.query(`update ${target.table('store_info')} set min_compatible = $1`, [record.minCompatible]);
  await tx.query(`drop table ${target.table('store_copy')}`);
}
