// What a copy would do, found out without changing anything: whether source and target are fit for it, and what there is to copy.
import { StoreMisconfigured } from '../../domain/refusal.ts';
import { readNumber } from '../sql/read.ts';
import { isCopied } from './contents.ts';
import type { CopyDatabase } from './copy-database.ts';
import { refuseLiveAgents } from './live-agents.ts';
import { type CopyRecord, copiedSoFar, readRecord } from './record.ts';
import { CopyRefused } from './refused.ts';

export interface CopyOptions {
  /** Empty a target that holds something. */
  readonly replace: boolean;
  /** Copy although agents of the source have not been silent for their TTL yet. Never forces data that differ. */
  readonly force: boolean;
  readonly signal: AbortSignal;
  /** Asked before anything is changed; the copy ends without a deed when it answers false. */
  readonly confirm: (plan: CopyPlan) => Promise<boolean>;
  readonly onProgress: (progress: CopyProgress) => Promise<void>;
}

export interface CopyPlan {
  /** `begin`: the target holds nothing; `resume`: a copy of this source goes on; `replace`: what is there is deleted. */
  readonly way: 'begin' | 'resume' | 'replace';
  readonly tables: readonly TablePlan[];
}

export interface TablePlan {
  readonly table: string;
  /** Rows in the source. */
  readonly rows: number;
  /** Rows of the target that have been copied already, or, to be replaced, that are deleted. */
  readonly there: number;
}

export interface CopyProgress {
  readonly phase: 'copying' | 'verifying';
  readonly table: string;
  readonly rows: number;
  /** Rows in the source when the copy began. */
  readonly of: number;
}

/** Whose copy it is. */
export type CopyOrigin = Pick<CopyRecord, 'source' | 'level'>;

export interface PlannedCopy {
  readonly plan: CopyPlan;
  readonly copy: CopyOrigin;
  /** The record of an earlier copy that the target holds. */
  readonly begun: CopyRecord | undefined;
}

/** Fails with CopyRefused or StoreMisconfigured when an operator must change something first. */
export async function planCopy(
  source: CopyDatabase,
  target: CopyDatabase,
  { replace, force }: Pick<CopyOptions, 'replace' | 'force'>,
): Promise<PlannedCopy> {
  const level = await migratedLevel(source);
  const copy = { source: await source.identity(), level };
  const { applied, pending } = await target.schema.schemaStatus();
  const hasSchema = applied.length > 0;
  const known = applied.length + pending.length;
  if (level > known) {
    throw new StoreMisconfigured(
      `the source has schema level ${level}, this program knows ${known}; copy with the version that the source's agents run`,
    );
  }
  const begun = hasSchema ? await readRecord(target) : undefined;
  if (begun !== undefined && pending.length > 0) {
    throw new StoreMisconfigured(
      'the copy in the target was begun by an older program; finish it with that one, or copy into an empty target',
    );
  }
  if (hasSchema && (await target.identity()) === copy.source) throw sameStore();
  if (!force) await refuseLiveAgents(source, 'source');
  if (hasSchema) await refuseLiveAgents(target, 'target');
  const plan = await planOf(source, target, copy, begun);
  if (plan.way === 'replace' && !replace) throw untold(plan, copy, begun);
  return { plan, copy, begun };
}

export function sameStore(): CopyRefused {
  return new CopyRefused('source and target are the same store');
}

export async function countRows(side: CopyDatabase, table: string): Promise<number> {
  const [row] = await side.query(`select count(*) as count from ${side.table(table)}`);
  return row === undefined ? 0 : readNumber(row, 'count');
}

/** The source is only read: what it lacks, its owner applies. */
async function migratedLevel(source: CopyDatabase): Promise<number> {
  const { applied, pending, isHalfCopied } = await source.schema.schemaStatus();
  if (applied.length === 0) {
    throw new StoreMisconfigured(
      'the source is not a StreamHouse store: it has no schema; check its URL and schema',
    );
  }
  if (isHalfCopied) {
    throw new CopyRefused(
      'the source is itself the target of a copy that is not finished; finish that one first',
    );
  }
  if (pending.length > 0) {
    throw new StoreMisconfigured(
      `the source lacks ${pending.length} migration(s), first ${pending[0]}; run "streamhouse db migrate" with its URL first`,
    );
  }
  return applied.length;
}

async function planOf(
  source: CopyDatabase,
  target: CopyDatabase,
  copy: CopyOrigin,
  begun: CopyRecord | undefined,
): Promise<CopyPlan> {
  const isGoingOn =
    begun !== undefined && begun.source === copy.source && begun.level === copy.level && !begun.hasFailed;
  const inTarget = new Set((await existingTables(target)).map(({ name }) => name));
  const tables: TablePlan[] = [];
  for (const { name } of (await source.tables()).filter(isCopied)) {
    const rows = await countRows(source, name);
    const held = inTarget.has(name) ? await countRows(target, name) : 0;
    tables.push({ table: name, rows, there: isGoingOn ? copiedSoFar(begun, name).rows : held });
  }
  if (isGoingOn) return { way: 'resume', tables };
  const isEmpty = begun === undefined && tables.every(({ there }) => there === 0);
  return { way: isEmpty ? 'begin' : 'replace', tables };
}

async function existingTables(target: CopyDatabase): ReturnType<CopyDatabase['tables']> {
  const { applied } = await target.schema.schemaStatus();
  return applied.length === 0 ? [] : target.tables();
}

function untold({ tables }: CopyPlan, copy: CopyOrigin, begun: CopyRecord | undefined): CopyRefused {
  if (begun === undefined) {
    const held = tables.filter(({ there }) => there > 0).map(({ table, there }) => `${table}: ${there}`);
    return new CopyRefused(
      `the target is not empty (rows: ${held.join(', ')}); copy into an empty one, or delete what is there with --replace`,
    );
  }
  if (begun.source !== copy.source) {
    return new CopyRefused(
      `the target holds an unfinished copy of another store (${begun.source}); finish that one, or begin anew with --replace`,
    );
  }
  return new CopyRefused(
    begun.hasFailed
      ? 'the copy in the target was found to differ from the source; begin anew with --replace'
      : 'the source has another schema level than when the copy began; begin anew with --replace',
  );
}
