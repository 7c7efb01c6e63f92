// What a copy consists of: every table of the schema but the few named here, so that one added later is copied without a word.
import { StoreMisconfigured } from '../../domain/refusal.ts';
import type { CopyTable, Selection } from './copy-database.ts';

/**
 * Schema and era are the target's own. Sessions are processes that run on the source, or ran: nobody brings one along. (A copied
 * agent shows as dead until it registers.)
 */
const notCopied: ReadonlySet<string> = new Set([
  'schema_migrations',
  'store_info',
  'era',
  'sessions',
  'store_copy',
]);

export function isCopied({ name }: CopyTable): boolean {
  return !notCopied.has(name);
}

/** A lease without holder: its epoch alone is left. */
const ofHolders: ReadonlySet<string> = new Set(['session_id', 'acquired_at', 'release_requested_epoch']);

/** As they are. */
export const asStored: Selection = (column) => `t.${column}`;

/**
 * As they come out of the source: leases are vacant, and terms that were open are over when their session was. On the target
 * nobody would ever end them, because a takeover finds no session in the lease.
 */
export function asCopied(table: string): Selection {
  if (table === 'leases') return (column) => (ofHolders.has(column) ? 'null' : `t.${column}`);
  if (table !== 'lease_history') return asStored;
  return (column, name) => {
    const ofSession = (what: string) =>
      `(select ${what} from ${name('sessions')} s where s.session_id = t.session_id)`;
    if (column === 'ended_at') {
      return `coalesce(t.ended_at, ${ofSession('coalesce(s.ended_at, s.expires_at)')}, t.acquired_at)`;
    }
    if (column === 'end_reason') {
      return `coalesce(t.end_reason, ${ofSession('s.end_reason')}, 'reaped')`;
    }
    return `t.${column}`;
  };
}

/**
 * The tables to copy, what is referred to before what refers to it. Where one side does not know what its columns mean, the
 * other's word counts.
 */
export function copiedTables(
  source: readonly CopyTable[],
  target: readonly CopyTable[],
): readonly CopyTable[] {
  const described = source.filter(isCopied).map((table) => {
    const other = target.filter(isCopied).find(({ name }) => name === table.name);
    if (other === undefined || columnNames(other) !== columnNames(table)) throw unlike(table.name);
    const isDescribed = table.columns.every(({ kind }) => kind !== 'stored');
    return isDescribed ? table : { ...other, key: table.key };
  });
  const missing = target.filter(isCopied).find(({ name }) => !described.some((table) => table.name === name));
  if (missing !== undefined) throw unlike(missing.name);
  return inOrder(described);
}

function columnNames({ columns }: CopyTable): string {
  return columns
    .map(({ name }) => name)
    .sort()
    .join(' ');
}

function unlike(table: string): StoreMisconfigured {
  return new StoreMisconfigured(
    `the table ${table} is not the same in both stores, though their schema level is; was one of them changed by hand?`,
  );
}

function inOrder(tables: readonly CopyTable[]): readonly CopyTable[] {
  const placed: CopyTable[] = [];
  const isPlaced = (name: string) => placed.some((table) => table.name === name);
  while (placed.length < tables.length) {
    const ready = tables
      .filter(({ name, refersTo }) => !isPlaced(name) && refersTo.every((other) => isPlaced(other)))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    if (ready.length === 0) throw new Error('the tables refer to each other in a circle');
    placed.push(...ready);
  }
  return placed;
}
