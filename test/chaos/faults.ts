// What a run does to its agents, their roads and their store. Each fault begins, lasts, and is over when its function resolves.
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { pick } from '../../src/demo/pick.ts';
import { AgentProcess } from '../e2e/cluster.ts';
import { eventually } from '../support/eventually.ts';
import type { PostgresServer } from '../support/postgres-server.ts';
import { signalProcess } from '../support/processes.ts';
import { type ChaosNode, ttlMs } from './node.ts';

export interface Stage {
  readonly server: PostgresServer;
  readonly nodes: readonly ChaosNode[];
  readonly random: () => number;
  /** Aborted: every fault ends where it is. */
  readonly signal: AbortSignal;
  /** Whether agents' clocks can be set. */
  readonly canSetClocks: boolean;
}

type NodeFault = (node: ChaosNode, stage: Stage) => Promise<void>;
type StoreFault = (stage: Stage) => Promise<void>;

const freezeAndCut = 'freeze and cut the server half';
/** Twenty starts at once take a while on two cores. */
const crowdStartMs = 180_000;
const longerThanTtlMs = ttlMs * 1.4;

/** Of one node: several may be under way at once, on different nodes. */
export const nodeFaults = {
  async kill(node, stage) {
    node.agent.kill('SIGKILL');
    await node.agent.program.exited;
    await lasting(1_500 * stage.random(), stage);
    node.begin();
  },
  async terminate(node) {
    node.agent.kill('SIGTERM');
    await node.agent.program.exited;
    node.begin();
  },
  freeze: async (node, stage) => frozen(node, stage),
  [freezeAndCut]: async (node, stage) => frozen(node, stage, () => node.road.cutHalf('server')),
  async refuse({ road }, stage) {
    road.mode = 'refuse';
    road.cutAll();
    await lasting(longerThanTtlMs, stage);
    road.mode = 'pass';
  },
  async blackhole({ road }, stage) {
    road.mode = 'blackhole';
    await lasting(longerThanTtlMs, stage);
    road.mode = 'pass';
  },
  async delay({ road }, stage) {
    road.delayMs = 20 + 130 * stage.random();
    await lasting(ttlMs / 2, stage);
    road.delayMs = 0;
  },
  async 'cut the client half'({ road }) {
    road.cutHalf('client');
  },
  async 'cut the server half'({ road }) {
    road.cutHalf('server');
  },
  'cut before a commit': async (node, stage) => cutAtCommit(node, stage, 'asked'),
  'cut behind a commit': async (node, stage) => cutAtCommit(node, stage, 'answered'),
  async 'set the clock'(node, stage) {
    const { random } = stage;
    node.setClock((random() < 0.5 ? -1 : 1) * Math.round(60 + 3_600 * random()));
    await lasting(ttlMs / 2, stage);
    node.setClock(0);
  },
} satisfies Record<string, NodeFault>;

/** Of the store, and so of everybody. */
export const storeFaults = {
  async 'terminate a backend'({ server, nodes, random }) {
    // Perhaps the one of an agent that is frozen meanwhile.
    const over = nodes.filter(({ isFrozen }) => isFrozen).map((node) => node.strike(freezeAndCut));
    await withBackends(server, async (client, pids) => {
      await client.query('select pg_terminate_backend($1)', [pick(random, pids)]);
    });
    for (const end of over) end();
  },
  async 'kill a backend'({ server, random }) {
    await withBackends(server, async (_client, pids) => signalProcess(pick(random, pids), 'SIGKILL'));
  },
  async 'restart the server'({ server }) {
    await server.restart();
  },
  async 'kill the server'(stage) {
    await stage.server.kill9();
    await lasting(stage.random() * 1.5 * ttlMs, stage);
    await stage.server.start();
  },
} satisfies Record<string, StoreFault>;

/**
 * With crash detection, two brokers may believe for a moment while the server has dropped an agent's lock and the agent does not hear of it: it is
 * frozen, or its end of the connection stays open and silent. The fence decides then.
 */
export const faultsThatLetTwoBelieve: ReadonlySet<string> = new Set([freezeAndCut, 'cut the server half']);

export type NodeFaultName = keyof typeof nodeFaults;
export type StoreFaultName = keyof typeof storeFaults;

/** So many more agents at the same moment, each straight to the store; half of them are killed, half stop. */
export async function crowd(stage: Stage, count: number): Promise<void> {
  const { server, signal } = stage;
  const env = {
    DATABASE_URL: server.url,
    SESSION_TTL_MS: String(ttlMs),
    RETURN_DELAY_MS: '0',
    MANAGED_TOPICS: 'orders',
  };
  const agents = Array.from({ length: count }, (_, index) => new AgentProcess(`crowd-${index}`, env));
  // Who waits for one of them gives up when it has ended.
  signal.addEventListener('abort', () => agents.forEach((agent) => agent.kill('SIGKILL')));
  try {
    const listening = async ({ program }: AgentProcess): Promise<unknown> =>
      program.waitForLog(({ msg }) => msg === 'listening', { timeoutMs: crowdStartMs });
    await Promise.all(agents.map(listening));
    await Promise.all(agents.map((agent) => agent.active()));
    await lasting(ttlMs, stage);
    for (const [index, agent] of agents.entries()) agent.kill(index % 2 === 0 ? 'SIGKILL' : 'SIGTERM');
    await Promise.all(agents.map(({ program }) => program.exited));
  } finally {
    await Promise.all(agents.map((agent) => agent[Symbol.asyncDispose]()));
  }
}

async function lasting(forMs: number, { signal }: Stage): Promise<void> {
  await sleep(forMs, undefined, { signal });
}

async function frozen(node: ChaosNode, stage: Stage, meanwhile?: () => void): Promise<void> {
  node.isFrozen = true;
  node.agent.kill('SIGSTOP');
  meanwhile?.();
  await lasting(longerThanTtlMs, stage);
  node.agent.kill('SIGCONT');
  node.isFrozen = false;
}

/** Every agent writes at each heartbeat, so there is soon a commit to cut at. */
async function cutAtCommit({ road }: ChaosNode, stage: Stage, when: 'asked' | 'answered'): Promise<void> {
  await Promise.race([road.cutAtCommit(when), lasting(ttlMs, stage)]);
  road.forgetCommitCut();
}

async function withBackends(
  server: PostgresServer,
  work: (client: Client, pids: readonly number[]) => Promise<void>,
): Promise<void> {
  // The server may be recovering from the last fault, take this connection along, or have nobody back yet.
  await eventually(
    async () => {
      const client = new Client({
        connectionString: server.url,
        connectionTimeoutMillis: 2_000,
        query_timeout: 5_000,
      });
      client.on('error', () => undefined);
      try {
        await client.connect();
        const { rows } = await client.query<{ pid: number }>(
          `select pid from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()`,
        );
        const pids = rows.map(({ pid }) => pid);
        if (pids.length > 0) await work(client, pids);
        return pids.length > 0;
      } finally {
        // Not waited for: with the server in a crash it was seen never to come.
        void client.end().catch(() => undefined);
      }
    },
    { what: 'a backend to strike' },
  );
}
