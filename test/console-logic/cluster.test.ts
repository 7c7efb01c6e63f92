// The page's picture of the cluster, as reads change it.
import { expect, test } from 'vitest';
import {
  type Cluster,
  hintsAtLeases,
  unknownCluster,
  withAgents,
  withLeases,
  withStatus,
} from '../../src/console/model/cluster.ts';
import { tell, type Timeline } from '../../src/console/model/timeline.ts';
import { eventSentences } from '../../src/console/model/told.ts';
import type { AgentAnswer } from '../../src/http/schemas/answers/agents.ts';
import type { StatusAnswer } from '../../src/http/schemas/answers/status.ts';

const moment = { askedAtMs: 100, nowMs: 1_000 };

function agent(agentId: string, more: Partial<AgentAnswer> = {}): AgentAnswer {
  return {
    agentId,
    address: '127.0.0.1:9092',
    zone: 'a',
    group: 'default',
    state: 'active',
    placement: 'open',
    weight: 1,
    managedTopics: [],
    sessionId: 'one',
    lastHeartbeatAt: null,
    expiresInMs: 8_000,
    leases: 3,
    metadata: {},
    ...more,
  };
}

function status(more: Partial<StatusAnswer> = {}): StatusAnswer {
  return {
    group: 'default',
    version: '1',
    backend: 'sqlite',
    era: { number: 0, since: '2026-01-01T00:00:00Z', quarantineRestMs: 0 },
    coordinator: { agentId: 'broker-1', epoch: 3, since: null },
    agents: { total: 1, active: 1, cordoned: 0, broker_down: 0, draining: 0, expired: 0, dead: 0 },
    topics: 1,
    partitions: { total: 3, led: 3, unled: 0 },
    agent: {
      agentId: 'broker-1',
      sessionId: null,
      group: 'default',
      zone: 'a',
      state: 'active',
      detail: null,
      coordinator: true,
      trustedForMs: 1,
      leases: 3,
    },
    ...more,
  };
}

const textsOf = ({ timeline }: Cluster): string[] => timeline.map(({ text }) => text);

test('the first read tells nothing: nobody knows what was before', () => {
  const seen = withLeases(
    withAgents(withStatus(unknownCluster, status(), moment), [agent('broker-1')], moment),
    [
      {
        topic: 't',
        partition: 0,
        agentId: null,
        address: null,
        epoch: 0,
        acquiredAt: null,
        expiresInMs: null,
      },
    ],
    moment,
  );
  expect(seen.timeline).toEqual([]);
});

test('agents come, change, restart and are forgotten', () => {
  const before = withAgents(unknownCluster, [agent('a'), agent('b'), agent('c')], moment);
  const after = withAgents(
    before,
    [agent('a', { state: 'draining' }), agent('b', { sessionId: 'two' }), agent('d')],
    moment,
  );
  expect(textsOf(after).toReversed()).toEqual([
    'agent a: active → draining',
    'agent b restarted',
    'agent d came (active)',
    'agent c forgotten',
  ]);
});

test('another coordinator is told with its epoch, and none as nobody', () => {
  const one = withStatus(unknownCluster, status(), moment);
  const none = withStatus(one, status({ coordinator: null }), moment);
  const other = withStatus(none, status({ coordinator: { agentId: 'b', epoch: 4, since: null } }), moment);
  expect(textsOf(other)).toEqual(['coordinator: nobody → b (epoch 4)', 'coordinator: broker-1 → nobody']);
});

test('leases that are as they were stay the same object, so that nothing is drawn anew', () => {
  const leases = () => [
    { topic: 't', partition: 0, agentId: 'a', address: null, epoch: 1, acquiredAt: null, expiresInMs: 5 },
  ];
  const first = withLeases(unknownCluster, leases(), moment);
  const again = withLeases(first, leases(), { ...moment, askedAtMs: 200 });
  expect(again.leases).toBe(first.leases);
  expect(again.leasesAskedAtMs).toBe(200);
});

test('counts hint at leases that changed; times that pass do not', () => {
  const before = withAgents(withStatus(unknownCluster, status(), moment), [agent('a')], moment);
  expect(hintsAtLeases(before, withAgents(before, [agent('a', { expiresInMs: 1 })], moment))).toBe(false);
  expect(hintsAtLeases(before, withAgents(before, [agent('a', { leases: 2 })], moment))).toBe(true);
  expect(hintsAtLeases(before, withStatus(before, status({ topics: 2 }), moment))).toBe(true);
});

test("the longest time left that was seen is taken for a session's whole", () => {
  const first = withAgents(unknownCluster, [agent('a', { expiresInMs: 9_000 })], moment);
  const later = withAgents(first, [agent('a', { expiresInMs: 4_000 })], moment);
  expect(later.ttlMs.get('a')).toBe(9_000);
});

test('the timeline keeps the last 500, the newest first, each with a number of its own', () => {
  let timeline: Timeline = [];
  for (let n = 0; n < 300; n += 1) timeline = tell(timeline, n, 'seen', [`${n} a`, `${n} b`]);
  expect(timeline).toHaveLength(500);
  expect(timeline.slice(0, 2).map(({ text }) => text)).toEqual(['299 b', '299 a']);
  expect(new Set(timeline.map(({ id }) => id)).size).toBe(500);
});

test("an agent's events are sentences, whatever a later agent says, and many alike are one", () => {
  expect(
    eventSentences('a', [
      { event: 'beat', data: { trustedForMs: 5 } },
      { event: 'lease.granted', data: { topic: 't', partition: 0, epoch: 2, highWatermark: 0 } },
      { event: 'lease.lost', data: { topic: 't', partition: 1, epoch: 2, reason: 'superseded' } },
      { event: 'news', data: { agentId: { odd: true } } },
    ]),
  ).toEqual([
    'a says lease.granted t/0 (epoch 2)',
    'a says lease.lost t/1 (epoch 2, because of superseded)',
    'a says news {"odd":true}',
  ]);
  const many = Array.from({ length: 40 }, () => ({ event: 'lease.lost', data: {} }));
  expect(eventSentences('a', many)).toEqual(['a says lease.lost, 40 times']);
});
