// The table of instruments: how they are named, and what a scraper finds before anything has happened.
import type { MetricObjectWithValues, MetricValue } from 'prom-client';
import { describe, expect, test } from 'vitest';
import { agentRunStates } from '../../src/coordination/agent-run-state.ts';
import { table } from '../../src/metrics/instruments.ts';
import { brokerStates, shownAgentStates } from '../../src/metrics/table/agent.ts';
import { rebalanceReasons } from '../../src/metrics/table/coordinator.ts';
import { fencedOperations, lostReasons } from '../../src/metrics/table/leases.ts';
import { resyncReasons } from '../../src/metrics/table/store.ts';
import { signalKinds } from '../../src/signals/signals.ts';
import { instrumentsOver, series } from './reading.ts';

type Described = MetricObjectWithValues<MetricValue<string>>;

const instruments = instrumentsOver();
const described: readonly Described[] = await instruments.registry.getMetricsAsJSON();
const each = described.map((metric) => ({ name: metric.name, metric }));

/** Declared as an enum of numbers; what it holds is the name. */
const typeOf = ({ type }: Described): string => String(type);

describe('every instrument', () => {
  test.each(each)('$name begins with the prefix and is snake_case', ({ name }) => {
    expect(name).toMatch(/^streamhouse(_[a-z0-9]+)+$/);
  });

  test.each(each)('$name is explained', ({ metric: { help } }) => {
    expect(help).toMatch(/^[A-Z0-9].{5,}[^.]$/);
  });

  test.each(each)('$name ends in _total exactly when it only grows', ({ name, metric }) => {
    expect(name.endsWith('_total')).toBe(typeOf(metric) === 'counter');
  });

  test.each(each)('$name is in a base unit and says so', ({ name, metric }) => {
    expect(name).not.toMatch(
      /_(ms|millis\w*|micros\w*|nanos\w*|minutes|hours|kb|kilo\w*|mb|mega\w*|percent)(_|$)/,
    );
    // All that is distributed here is time.
    const isTime = /duration|offset|trust|ttl/.test(name) || typeOf(metric) === 'histogram';
    expect(name.endsWith('_seconds')).toBe(isTime);
  });

  test.each(each)('$name leaves the suffixes of histograms to them', ({ name }) => {
    expect(name).not.toMatch(/_(bucket|count|sum)$/);
  });

  test('has a name of its own', () => {
    expect(new Set(each.map(({ name }) => name)).size).toBe(each.length);
  });

  test('is in the registry that is scraped, and nothing else is', () => {
    expect(each.map(({ name }) => name)).toEqual(Object.values(table).map(({ name }) => name));
  });
});

describe('a closed set of label values is there, at 0, before anything happened', () => {
  test.each([
    { name: 'heartbeats_total', label: 'result', values: ['renewed', 'failed', 'lost'] },
    {
      name: 'lease_acquisitions_total',
      label: 'result',
      values: ['granted', 'already_held', 'held', 'busy', 'unknown', 'failed'],
    },
    { name: 'leases_lost_total', label: 'reason', values: lostReasons },
    { name: 'fenced_writes_total', label: 'operation', values: fencedOperations },
    { name: 'signals_total', label: 'kind', values: signalKinds },
    { name: 'resyncs_total', label: 'reason', values: resyncReasons },
    { name: 'rebalances_total', label: 'reason', values: rebalanceReasons },
    { name: 'reaps_total', label: 'result', values: ['reaped', 'alive', 'already_ended', 'failed'] },
    { name: 'agent_state', label: 'state', values: agentRunStates.filter((state) => state !== 'active') },
    { name: 'broker_state', label: 'state', values: brokerStates.filter((state) => state !== 'none') },
    {
      name: 'authentication_failures_total',
      label: 'reason',
      values: ['unauthorized', 'rate_limited', 'forbidden'],
    },
    { name: 'event_streams', label: 'kind', values: ['broker', 'reader'] },
  ])('$name{$label}', async ({ name, label, values }) => {
    const expected = Object.fromEntries(values.map((value) => [`{${label}="${value}"}`, 0]));
    expect(await series(instruments, `streamhouse_${name}`)).toMatchObject(expected);
  });

  test.each(['coordinator_changes_total', 'heartbeat_duration_seconds_count'])('%s', async (name) => {
    expect(await series(instruments, `streamhouse_${name}`)).toEqual({ '': 0 });
  });

  test('moves_total{reason,result}', async () => {
    expect(await series(instruments, 'streamhouse_moves_total')).toMatchObject({
      '{reason="agent_left",result="written"}': 0,
    });
  });

  test('failover_duration_seconds{cause}', async () => {
    expect(await series(instruments, 'streamhouse_failover_duration_seconds_count')).toEqual({
      '{cause="reaped"}': 0,
      '{cause="crashed"}': 0,
    });
  });
});

describe('a scrape reads what is so at that moment', () => {
  test('whether signals arrive', async () => {
    let connected = false;
    const instruments = instrumentsOver({ signalsConnected: () => connected });
    expect(await series(instruments, 'streamhouse_signals_connected')).toEqual({ '': 0 });
    connected = true;
    expect(await series(instruments, 'streamhouse_signals_connected')).toEqual({ '': 1 });
  });

  test('the state, the leases held, and how long they are trusted, in seconds', async () => {
    const instruments = instrumentsOver({ leasesHeld: () => 7, trustedForMs: () => 8_000 });
    expect(await series(instruments, 'streamhouse_agent_state')).toMatchObject({
      '{state="active"}': 1,
      '{state="suspended"}': 0,
    });
    expect(await series(instruments, 'streamhouse_leases_held')).toEqual({ '': 7 });
    expect(await series(instruments, 'streamhouse_session_trusted_seconds')).toEqual({ '': 8 });
  });
});

test('every state that an agent can be in is shown', () => {
  expect(shownAgentStates).toEqual(agentRunStates);
});

test('two agents in one process count apart', async () => {
  const [one, other] = [instrumentsOver(), instrumentsOver()];
  one.heartbeats.inc({ result: 'renewed' });
  expect(await series(one, 'streamhouse_heartbeats_total')).toMatchObject({
    '{result="renewed"}': 1,
  });
  expect(await series(other, 'streamhouse_heartbeats_total')).toMatchObject({
    '{result="renewed"}': 0,
  });
});
