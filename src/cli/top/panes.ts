// The three tables of `top`: their columns, what of the model is in them, filtered and sorted.
import type { AgentAnswer, LeaseAnswer } from '../answers.ts';
import { type Cell, type Column, formatTable } from '../table.ts';
import type { ClusterLook, Happening, PaneName, TopModel } from './model.ts';
import { ageText, clockText, countdownText, shortened } from './words.ts';

/** A table without its rows' types: what is asked of it is the same for all. */
export interface Pane {
  readonly name: PaneName;
  readonly title: string;
  readonly columnCount: number;
  readonly rowCount: number;
  /** Header and rows from the first that is not scrolled away, none cut. */
  lines(height: number): readonly string[];
}

/** A column that can be sorted by something else than what it shows. */
interface SortableColumn<T> extends Column<T> {
  sortKey?(row: T): Cell;
}

/** Where names are long, so much of them is shown. */
const nameWidthMax = 48;

export function panesOf(model: TopModel): Readonly<Record<PaneName, Pane>> {
  const { look, happenings } = model;
  const more = look.hasMoreLeases ? ` of the first ${look.leases.length}` : '';
  return {
    agents: pane(model, 'agents', 'AGENTS', agentColumns(model), look.agents),
    partitions: pane(model, 'partitions', `PARTITIONS${more}`, partitionColumns(model), look.leases),
    events: pane(model, 'events', 'EVENTS', eventColumns, happenings),
  };
}

function pane<T>(
  { view }: TopModel,
  name: PaneName,
  what: string,
  columns: readonly SortableColumn<T>[],
  all: readonly T[],
): Pane {
  const { sortedBy, isReversed, scrolled } = view.panes[name];
  const column = columns[sortedBy] ?? columns[0];
  const rows = all.filter((row) => contains(columns, row, view.filter));
  const count = rows.length === all.length ? `${all.length}` : `${rows.length} of ${all.length}`;
  return {
    name,
    title: `${what} ${count}`,
    columnCount: columns.length,
    rowCount: rows.length,
    lines(height) {
      const ordered =
        column === undefined ? rows : rows.toSorted((a, b) => compare(keyOf(column, a), keyOf(column, b)));
      if (isReversed) ordered.reverse();
      const marked = columns.map((each) =>
        each === column ? { ...each, header: `${each.header}${isReversed ? '▼' : '▲'}` } : each,
      );
      return formatTable(marked, ordered.slice(scrolled, scrolled + height))
        .trimEnd()
        .split('\n');
    },
  };
}

function agentColumns({ look, nowMs, wallMs }: TopModel): SortableColumn<AgentAnswer>[] {
  const age = ({ lastHeartbeatAt }: AgentAnswer): number | undefined =>
    lastHeartbeatAt ? wallMs - Date.parse(lastHeartbeatAt) : undefined;
  return [
    { header: 'AGENT', value: ({ agentId }) => shortened(agentId, nameWidthMax) },
    { header: 'STATE', value: ({ state }) => state },
    { header: 'ZONE', value: ({ zone }) => shortened(zone ?? '', nameWidthMax) },
    { header: 'WEIGHT', value: ({ weight }) => weight, align: 'right' },
    { header: 'LEASES', value: ({ leases }) => leases, align: 'right' },
    {
      header: 'TTL',
      value: ({ expiresInMs }) => countdownText(expiresInMs, look, nowMs),
      sortKey: ({ expiresInMs }) => expiresInMs,
      align: 'right',
    },
    { header: 'HEARTBEAT', value: (row) => ageText(age(row)), sortKey: age, align: 'right' },
  ];
}

function partitionColumns({ look, nowMs }: TopModel): SortableColumn<LeaseAnswer>[] {
  const moving = movesByName(look);
  return [
    {
      header: 'PARTITION',
      value: (row) => shortened(nameOf(row), nameWidthMax),
      // orders/10 comes behind orders/9.
      sortKey: ({ topic, partition }) => `${topic}/${String(partition).padStart(6, '0')}`,
    },
    { header: 'LEADER', value: ({ agentId }) => shortened(agentId ?? '', nameWidthMax) },
    { header: 'EPOCH', value: ({ epoch }) => epoch, align: 'right' },
    {
      header: 'TTL',
      value: ({ expiresInMs }) => countdownText(expiresInMs, look, nowMs),
      sortKey: ({ expiresInMs }) => expiresInMs,
      align: 'right',
    },
    { header: 'MOVING', value: (row) => moving.get(nameOf(row)) },
  ];
}

const eventColumns: readonly SortableColumn<Happening>[] = [
  // The newest is what one looks for.
  { header: 'TIME', value: ({ atMs }) => clockText(atMs), sortKey: ({ atMs }) => -atMs },
  { header: 'EVENT', value: ({ what }) => what },
];

function movesByName({ rebalance }: ClusterLook): ReadonlyMap<string, string> {
  const moves = rebalance?.moving ?? [];
  return new Map(moves.map((move) => [nameOf(move), `to ${move.to ?? 'nobody'}`]));
}

function nameOf({ topic, partition }: Pick<LeaseAnswer, 'topic' | 'partition'>): string {
  return `${topic}/${partition}`;
}

/** Numbers are not searched: those that count down would come and go. */
function contains<T>(columns: readonly SortableColumn<T>[], row: T, filter: string): boolean {
  const wanted = filter.toLowerCase();
  const searched = columns.filter(({ align }) => align === undefined);
  return (
    wanted === '' ||
    searched.some((column) =>
      String(column.value(row) ?? '')
        .toLowerCase()
        .includes(wanted),
    )
  );
}

function keyOf<T>(column: SortableColumn<T>, row: T): Cell {
  return column.sortKey === undefined ? column.value(row) : column.sortKey(row);
}

/** What is absent comes first: whom nobody leads is what one looks for. */
function compare(a: Cell, b: Cell): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  const [left, right] = [String(a ?? ''), String(b ?? '')];
  return left < right ? -1 : left > right ? 1 : 0;
}
