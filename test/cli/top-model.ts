// A cluster for the tests of `top`: three agents, a topic, a move under way.
import type { ClusterLook, TopModel, View } from '../../src/cli/top/model.ts';
import { firstView } from '../../src/cli/top/model.ts';

const wallMs = Date.parse('2026-01-02T12:00:10.000Z');

export const look: ClusterLook = {
  askedAtMs: 1_000,
  status: {
    group: 'default',
    coordinator: { agentId: 'broker-1', epoch: 4_294_967_297, since: null },
    agents: { active: 2, cordoned: 0, broker_down: 0, draining: 0, expired: 0, dead: 1 },
    partitions: { total: 12, led: 11, unled: 1 },
  },
  agents: [
    agent('broker-1', 'active', 8, 7_000, '2026-01-02T12:00:07.600Z'),
    agent('broker-2', 'active', 3, 9_400, '2026-01-02T12:00:10.000Z'),
    agent('broker-3', 'dead', 0, null, '2026-01-01T12:00:00.000Z'),
  ],
  leases: Array.from({ length: 12 }, (_, partition) => ({
    topic: 'orders',
    partition,
    agentId: partition === 5 ? null : partition < 9 ? 'broker-1' : 'broker-2',
    epoch: 4_294_967_297 + partition,
    expiresInMs: partition === 5 ? null : 7_000,
  })),
  hasMoreLeases: false,
  rebalance: {
    paused: true,
    partitions: { total: 12, led: 11, moving: 1, unassigned: 0, pinned: 0 },
    moving: [{ topic: 'orders', partition: 9, from: 'broker-2', to: 'broker-1' }],
  },
};

export const model: TopModel = {
  url: 'http://127.0.0.1:7070',
  look,
  happenings: [
    { atMs: wallMs - 1_000, what: 'orders/5: broker-3 → nobody' },
    { atMs: wallMs - 2_000, what: 'agent broker-3: active → dead' },
  ],
  outage: undefined,
  nowMs: 1_600,
  wallMs,
  view: firstView,
};

export function viewed(view: Partial<View>): TopModel {
  return { ...model, view: { ...firstView, ...view } };
}

function agent(
  agentId: string,
  state: string,
  leases: number,
  expiresInMs: number | null,
  lastHeartbeatAt: string,
) {
  return { agentId, state, zone: 'eu-1a', weight: 1, leases, expiresInMs, lastHeartbeatAt };
}
