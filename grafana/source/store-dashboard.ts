// The store, as all agents together meet it.
import { counted, named, quantile, rate, within } from './expression.ts';
import { type Frame, type Row } from './frame.ts';
import { dashed, figure, graph, graphBothWays } from './panels.ts';

const all = (expression: string): string => within(expression, 'group');
const operation = 'streamhouse_store_operation_duration_seconds';

const now: Row = {
  title: 'Now',
  panels: [
    figure({
      title: 'Agents that reach the store',
      means: 'Agents whose last operation was answered.',
      act: 'Fewer than there are agents: the store is away for some; their dashboards say since when.',
      runbook: 'StreamHouseStoreAway',
      width: 6,
      queries: [{ expr: `sum(${all('streamhouse_store_up')})`, legend: 'reach it' }],
      steps: ['red', [1, 'green']],
    }),
    figure({
      title: 'Agents that do not',
      means: 'Agents whose last operation was not answered.',
      act: 'All: bring the store back. One: its network, its password, its connection limit.',
      runbook: 'StreamHouseStoreAway',
      width: 6,
      queries: [{ expr: `sum(1 - (${all('streamhouse_store_up')}))`, legend: 'away' }],
      steps: ['green', [1, 'red']],
    }),
    figure({
      title: 'Agents that hear no signals',
      means: 'They find out about changes by asking, up to a heartbeat’s interval late.',
      act: 'A pooler in transaction mode in between: `DIRECT_DATABASE_URL` around it.',
      runbook: 'StreamHouseListenerDeaf',
      width: 6,
      queries: [{ expr: `sum(1 - (${all('streamhouse_signals_connected')}))`, legend: 'deaf' }],
      steps: ['green', [1, 'orange']],
    }),
    figure({
      title: 'Connections',
      means:
        'Open connections of all agents’ pools; each agent has two more outside of them, one to coordinate and one to listen.',
      act: 'With the two, all agents’ pools at their most must fit `max_connections`; `streamhouse db doctor` compares.',
      runbook: 'StreamHouseStoreConnectionsExhausted',
      width: 6,
      none: 'SQLite',
      queries: [{ expr: `sum(${all('streamhouse_store_connections')})`, legend: 'open' }],
      steps: ['text'],
    }),
  ],
};

const operations: Row = {
  title: 'Operations',
  panels: [
    graph({
      title: 'Operations',
      means: 'Per second, by operation, of all agents.',
      act: 'At rest there are heartbeats and little else. Much of one: who asks for it? The agents’ dashboards have their routes.',
      unit: 'ops',
      width: 12,
      queries: [{ expr: `sum by (operation) (${all(rate(`${operation}_count`))})`, legend: '{{operation}}' }],
    }),
    graph({
      title: 'Refused and failed',
      means: '`refused` is an answer (a fence, a lease that is held); `failed` is none.',
      act: '`failed`: the store is away, or slower than a statement may be. The agents’ logs name the error.',
      runbook: 'StreamHouseStoreAway',
      width: 12,
      look: 'bars',
      queries: [
        {
          expr: `sum by (operation, result) (${all(counted(`${operation}_count{result=~"refused|failed"}`))})`,
          legend: '{{operation}} {{result}}',
        },
      ],
    }),
    ...[0.5, 0.9, 0.99].map((q) =>
      graph({
        title: `How long they take: ${q * 100} %`,
        means: `${q * 100} of a hundred operations take no longer, by operation.`,
        act: 'Slow in all: the database or its disk. Slow in one: its statement, or locks.',
        runbook: 'StreamHouseStoreSlow',
        unit: 's',
        width: 8,
        queries: [
          {
            expr: quantile(q, all(rate(`${operation}_bucket`)), ['operation']),
            legend: '{{operation}}',
          },
        ],
      }),
    ),
    graph({
      title: 'Heartbeats by agent',
      means:
        'Nine of ten heartbeats take no longer. Each changes one row: what is slow here is the way to the store, or all of it.',
      act: 'One agent slower than the rest: its machine or its network. All: the store.',
      runbook: 'StreamHouseStoreSlow',
      unit: 's',
      width: 24,
      queries: [
        {
          expr: quantile(
            0.9,
            named(rate('streamhouse_heartbeat_duration_seconds_bucket'), 'group', 'agent_id'),
            ['agent_id'],
          ),
          legend: '{{agent_id}}',
        },
      ],
    }),
  ],
};

const connections: Row = {
  title: 'Connections and clock',
  panels: [
    graph({
      title: 'Connections of pools',
      means: 'Busy and idle ones of all agents, and (dashed) what their pools may open. None on SQLite.',
      act: 'All busy for long: the database is slow, or `DATABASE_POOL_MAX` is too low.',
      runbook: 'StreamHouseStoreConnectionsExhausted',
      width: 8,
      decimals: 0,
      queries: [
        {
          expr: `sum by (pool, state) (${all('streamhouse_store_connections')})`,
          legend: '{{pool}} {{state}}',
        },
        { expr: `sum by (pool) (${all('streamhouse_store_connections_max')})`, legend: '{{pool}} (most)' },
      ],
      overrides: [{ regexp: '/ \\(most\\)$/', properties: [dashed] }],
    }),
    graph({
      title: 'Operations that wait for a connection',
      means: 'By agent.',
      act: 'Above 0 for long: a slow database, or raise `DATABASE_POOL_MAX`.',
      runbook: 'StreamHouseStoreConnectionsExhausted',
      width: 8,
      decimals: 0,
      queries: [
        { expr: named('streamhouse_store_connections_waiting', 'group'), legend: '{{agent_id}} {{pool}}' },
      ],
    }),
    graphBothWays({
      title: 'Clock offset',
      means: 'The store’s wall clock less each agent’s. No decision compares them.',
      act: 'Beyond seconds: mend the time synchronisation, so that logs line up. All agents alike: it is the store’s clock.',
      runbook: 'StreamHouseClockOffset',
      unit: 's',
      width: 8,
      queries: [{ expr: named('streamhouse_store_clock_offset_seconds', 'group'), legend: '{{agent_id}}' }],
    }),
  ],
};

const cache = 'streamhouse_cache_requests_total';

const lookups: Row = {
  title: 'Lookups of clients',
  panels: [
    graph({
      title: 'Lookups',
      means: 'Per second, by what they look up and where the answer came from, of all agents.',
      act: '`bypass`: signals are not heard, so that nothing is answered from memory. Mostly `miss`: more is looked up than is kept, or everything changes all the time.',
      runbook: 'StreamHouseListenerDeaf',
      unit: 'ops',
      width: 12,
      queries: [{ expr: `sum by (cache, result) (${all(rate(cache))})`, legend: '{{cache}} {{result}}' }],
    }),
    graph({
      title: 'Answered from memory',
      means: 'The share of lookups that cost the store nothing, by what they look up.',
      act: 'Lower than it was: what else happens then? Moves and creations make all agents look anew.',
      unit: 'percentunit',
      max: 1,
      width: 12,
      queries: [
        {
          expr: `sum by (cache) (${all(rate(`${cache}{result="hit"}`))}) / sum by (cache) (${all(rate(cache))})`,
          legend: '{{cache}}',
        },
      ],
    }),
  ],
};

const signals: Row = {
  title: 'Signals',
  panels: [
    graph({
      title: 'Signals heard',
      means: 'Per second, by kind, of all agents. They are hints; `ping` says only that the way is open.',
      act: 'No `ping` for a minute: nothing is heard.',
      runbook: 'StreamHouseListenerDeaf',
      unit: 'ops',
      width: 8,
      queries: [{ expr: `sum by (kind) (${all(rate('streamhouse_signals_total'))})`, legend: '{{kind}}' }],
    }),
    graph({
      title: 'Connected to signals',
      means: '1 while signals can arrive, by agent.',
      act: '0 while the agent is active: LISTEN does not get through.',
      runbook: 'StreamHouseListenerDeaf',
      max: 1,
      decimals: 0,
      width: 8,
      queries: [{ expr: named('streamhouse_signals_connected', 'group'), legend: '{{agent_id}}' }],
    }),
    graph({
      title: 'Read anew',
      means: 'Times that agents read their leases or their assignment anew, by reason.',
      act: '`signals` grows: the connection for signals breaks again and again.',
      runbook: 'StreamHouseListenerDeaf',
      look: 'bars',
      width: 8,
      queries: [
        { expr: `sum by (reason) (${all(counted('streamhouse_resyncs_total'))})`, legend: '{{reason}}' },
      ],
    }),
  ],
};

export const storeDashboard: Frame = {
  uid: 'streamhouse-store',
  title: 'StreamHouse store',
  description: 'The store as all agents together meet it: operations, connections, clock, lookups, signals.',
  rows: [now, operations, connections, lookups, signals],
};
