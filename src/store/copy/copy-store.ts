// `streamhouse db copy`: a whole store into another one, all groups of agents, between any two backends. In batches by key, each with
// the record of how far it got, so that it goes on after any interruption; then both sides are compared; only then the target is opened,
// under an era above both, so that no epoch of it was ever given out by either.
import { EPOCHS_PER_ERA } from '../../domain/limits.ts';
import { first } from '../sql/database.ts';
import { openEra, selectEra } from '../sql/era.ts';
import { readNumber } from '../sql/read.ts';
import { asCopied, copiedTables } from './contents.ts';
import type { CopyDatabase, CopyTable } from './copy-database.ts';
import { liveAgents, refuseLiveAgents } from './live-agents.ts';
import { type CopyOptions, type CopyPlan, countRows, planCopy, sameStore } from './plan.ts';
import { type CopyRecord, copiedSoFar, putMark, replaceRecord, takeMark } from './record.ts';
import { CopyRefused } from './refused.ts';
import { batches, compareTable, keyOf, type VerifiedTable } from './verify.ts';

export type CopyOutcome =
  | { readonly outcome: 'not_confirmed' }
  /** Ended by the signal; started again it goes on. */
  | { readonly outcome: 'interrupted' }
  | {
      readonly outcome: 'copied';
      readonly way: CopyPlan['way'];
      readonly era: number;
      readonly tables: readonly Omit<VerifiedTable, 'epochMax'>[];
    };

/** Rows of a batch: large enough that the round trip does not count, small enough that an interruption costs little. */
const batchRows = 5_000;

/** Fails with CopyRefused when an operator must change something first, nothing or only a resumable part being done. */
export async function copyStore(
  source: CopyDatabase,
  target: CopyDatabase,
  options: CopyOptions,
): Promise<CopyOutcome> {
  const { plan, copy, begun } = await planCopy(source, target, options);
  if (!(await options.confirm(plan))) return { outcome: 'not_confirmed' };
  if (begun === undefined) await target.schema.migrate();
  if ((await target.identity()) === copy.source) throw sameStore();
  const tables = copiedTables(await source.tables(), await target.tables());
  let record =
    plan.way === 'resume' && begun !== undefined ? begun : await begin(target, tables, copy, begun);
  for (const table of tables) {
    const of = plan.tables.find((planned) => planned.table === table.name)?.rows ?? 0;
    record = await copyTable(source, target, table, record, of, options);
    if (options.signal.aborted) return { outcome: 'interrupted' };
  }
  await target.analyze();
  const verified = await verify(source, target, tables, record, options);
  if (verified === undefined) return { outcome: 'interrupted' };
  if (!options.force) await refuseLiveAgents(source, 'source');
  const era = await open(source, target, tables, record, verified);
  const figures = verified.map(({ table, rows, checksum }) => ({ table, rows, checksum }));
  return { outcome: 'copied', way: plan.way, era, tables: figures };
}

async function begin(
  target: CopyDatabase,
  tables: readonly CopyTable[],
  copy: Pick<CopyRecord, 'source' | 'level'>,
  begun: CopyRecord | undefined,
): Promise<CopyRecord> {
  const sessions = (await target.tables()).filter(({ name }) => name === 'sessions');
  return target.transaction(async (tx) => {
    const record = await putMark(target, tx, copy, begun);
    await target.empty(tx, [...tables, ...sessions]);
    return record;
  });
}

/** Answers the record as it is behind the last batch: at the table's end, or where the signal came. */
async function copyTable(
  source: CopyDatabase,
  target: CopyDatabase,
  table: CopyTable,
  record: CopyRecord,
  of: number,
  { signal, onProgress }: CopyOptions,
): Promise<CopyRecord> {
  let { rows, after, isWhole } = copiedSoFar(record, table.name);
  const advance = async (batch: readonly (readonly (string | number | null)[])[]): Promise<void> => {
    const tables = { ...record.tables, [table.name]: { rows, after, isWhole } };
    const next = { ...record, tables };
    await target.transaction(async (tx) => {
      if (batch.length > 0) await target.insert(tx, table, batch);
      await replaceRecord(target, tx, record, next);
    });
    record = next;
  };
  if (isWhole) return record;
  for await (const batch of batches(source, table, after ?? undefined, batchRows, asCopied(table.name))) {
    if (signal.aborted) return record;
    rows += batch.length;
    after = keyOf(table, batch.at(-1) ?? []);
    await advance(batch);
    await onProgress({ phase: 'copying', table: table.name, rows, of });
  }
  isWhole = true;
  await advance([]);
  return record;
}

/** Undefined when the signal came. Fails with CopyRefused, the target left closed, when anything differs. */
async function verify(
  source: CopyDatabase,
  target: CopyDatabase,
  tables: readonly CopyTable[],
  record: CopyRecord,
  { signal, onProgress, force }: CopyOptions,
): Promise<readonly VerifiedTable[] | undefined> {
  const verified: VerifiedTable[] = [];
  const different: string[] = [];
  for (const table of tables) {
    if (signal.aborted) return undefined;
    const of = await countRows(source, table.name);
    const compared = await compareTable(source, target, table, (rows) =>
      onProgress({ phase: 'verifying', table: table.name, rows, of }),
    );
    if (compared.outcome === 'equal') verified.push(compared);
    else
      different.push(`${compared.table} (${compared.source.rows} rows there, ${compared.target.rows} here)`);
  }
  if (different.length === 0) return verified;
  // Going on from here could only find the same: the next attempt begins anew.
  await target.transaction((tx) => replaceRecord(target, tx, record, { ...record, hasFailed: true }));
  const [there, here] = [force ? [] : await liveAgents(source), await liveAgents(target)];
  const why =
    here.length > 0
      ? `agents run on the target: ${here.join(', ')}; stop them and`
      : there.length > 0
        ? `agents run on the source: ${there.join(', ')}; stop them and`
        : 'the source has changed since; with no agent running on it,';
  throw new CopyRefused(
    `the target differs from the source and stays closed: ${different.join(', ')}; ${why} copy again with --replace`,
  );
}

/** In one transaction: the era, and the end of the mark. */
async function open(
  source: CopyDatabase,
  target: CopyDatabase,
  tables: readonly CopyTable[],
  record: CopyRecord,
  verified: readonly VerifiedTable[],
): Promise<number> {
  const sourceEra = await first(source, selectEra, {});
  if (sourceEra === undefined) throw new Error('the source has no era row');
  const epochMax = Math.max(0, ...verified.map((table) => table.epochMax));
  const above = Math.max(sourceEra.number, Math.floor(epochMax / EPOCHS_PER_ERA));
  return target.transaction(async (tx) => {
    await takeMark(target, tx, record);
    await target.continueIds(tx, tables);
    // An agent that had opened the target before the copy began would not have seen the mark.
    const [sessions] = await tx.query(`select count(*) as count from ${target.table('sessions')}`);
    if (sessions === undefined || readNumber(sessions, 'count') > 0) {
      throw new CopyRefused(
        'an agent has registered with the target during the copy; stop it and copy again with --replace',
      );
    }
    // Nobody ever believed in a lease of the target, and the agents of the source are stopped.
    const era = await first(tx, openEra, { above, quarantineMs: 0 });
    if (era === undefined) throw new Error('the target has no era row');
    return era.number;
  });
}
