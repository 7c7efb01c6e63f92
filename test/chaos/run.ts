// A run: agents with brokers, clients of the store itself, and somebody who reads all leases, through faults; then everything is read
// back and judged.
import { setTimeout as sleep } from 'node:timers/promises';
import type { MetadataStore } from '../../src/store/metadata-store.ts';
import { openPostgresStore } from '../../src/store/postgres/open.ts';
import { seededRandom } from '../load/seeded-random.ts';
import { eventually } from '../support/eventually.ts';
import { startPostgresServer } from '../support/postgres-server.ts';
import { startProxy } from '../support/proxy.ts';
import type { BrokerNotes } from './broker.ts';
import { Crew } from './crew.ts';
import type { FakeTime } from './fake-time.ts';
import { type NodeFaultName, nodeFaults, type Stage, storeFaults } from './faults.ts';
import { History } from './history.ts';
import { type Judgement, judge } from './judge.ts';
import { ChaosNode } from './node.ts';
import type { PlannedFault } from './plan.ts';
import { RawClient, type RawNotes, rawPartitions, rawTopic } from './raw-client.ts';
import { TermBoard } from './term-board.ts';
import { watchLeases } from './watcher.ts';

export interface RunOptions {
  readonly seed: number;
  readonly agents: number;
  readonly partitions: number;
  readonly crashDetection?: boolean;
  readonly fakeTime?: FakeTime | undefined;
  readonly say?: (line: string) => void;
  /** Aborted: no fault begins any more, those under way end early, nothing stays behind, and the run rejects. */
  readonly signal: AbortSignal;
  /** What to do to them; each is over when it resolves. */
  readonly weather: (sky: Sky) => Promise<void>;
}

export interface Sky {
  readonly stage: Stage;
  readonly random: () => number;
  /** Does it and counts it. */
  readonly strike: (fault: PlannedFault) => Promise<void>;
  readonly count: (name: string) => void;
  /** What has come together until now. */
  readonly notes: BrokerNotes & RawNotes;
}

export const topic = 'orders';
const rawClients = 4;
const calmMs = 60_000;
/** No fault lasts so long by itself. */
const remarkableMs = 8_000;

export async function runChaos(options: RunOptions): Promise<Judgement> {
  const { seed, agents, partitions, fakeTime, weather, signal, say = () => undefined } = options;
  const random = seededRandom(seed);
  const faults = new Map<string, number>();
  const notes: BrokerNotes & RawNotes = {
    history: new History(),
    board: new TermBoard(),
    // What clients draw comes as their answers do, and is another chance each time.
    random: seededRandom(seed + 1),
    acknowledged: [],
    unknown: [],
    stale: { refused: 0, accepted: 0, unanswered: 0 },
    sessionEnds: [],
    surprises: [],
  };
  await using server = await startPostgresServer({ major: 16 });
  await using direct = await store(server.port, 'default', { migrate: true });
  await using rawDirect = await store(server.port, 'raw');
  await using rawRoad = await startProxy(server.port, { isPostgres: true });
  await using rawStores = await all(Array.from({ length: rawClients }, () => store(rawRoad.port, 'raw')));
  await direct.createTopic({ name: topic, partitionCount: partitions, retentionMs: null, config: {} });
  await rawDirect.createTopic({
    name: rawTopic,
    partitionCount: rawPartitions,
    retentionMs: null,
    config: {},
  });
  await using nodes = await all(
    Array.from({ length: agents }, async (_, index) =>
      ChaosNode.start({
        agentId: `n${index}`,
        serverPort: server.port,
        env: options.crashDetection === false ? { CRASH_DETECTION: 'off' } : {},
        fakeTime,
        notes,
      }),
    ),
  );
  // However the run ends: first the faults are over, then the clients have stopped, then the agents end.
  await using clients = new Crew(signal);
  await using storm = new Crew(signal);
  const stage: Stage = {
    server,
    nodes: nodes.items,
    random,
    signal: storm.signal,
    canSetClocks: fakeTime !== undefined,
  };
  const isCalm = async (): Promise<void> => calm(stage, notes.board, partitions);
  await isCalm();
  const working = clients.join(
    Promise.all([
      ...rawStores.items.map((each, index) => new RawClient(`raw${index}`, each, notes).run(clients.signal)),
      watchLeases(direct, { history: notes.history, topic, signal: clients.signal }),
      watchLeases(rawDirect, { history: notes.history, topic: rawTopic, signal: clients.signal }),
      stormOn(rawRoad, clients.signal),
    ]),
  );
  const beganMs = performance.now();
  const at = (): string => `${((performance.now() - beganMs) / 1_000).toFixed(1)} s`;
  const count = (name: string): void => void faults.set(name, (faults.get(name) ?? 0) + 1);
  await weather({
    stage,
    random,
    count,
    notes,
    async strike(fault) {
      storm.signal.throwIfAborted();
      const node = fault.of === 'node' ? nodes.items[fault.node % agents] : undefined;
      const name = `${fault.name}${node === undefined ? '' : ` (${node.agentId})`}`;
      say(`${at()}: ${name}`);
      count(fault.name);
      const struckMs = performance.now();
      await storm.join(
        fault.of === 'store' ? storeFaults[fault.name](stage) : strikeNode(fault.name, node, stage),
      );
      const tookMs = performance.now() - struckMs;
      if (tookMs > remarkableMs) say(`${at()}: ${name} took ${(tookMs / 1_000).toFixed(1)} s`);
    },
  });
  say(`${at()}: the weather clears`);
  const clearedMs = performance.now();
  await isCalm();
  const calmAfterMs = performance.now() - clearedMs;
  say(`${at()}: everything is led`);
  clients.stop();
  await working;
  say(`${at()}: the clients have stopped`);
  await nodes[Symbol.asyncDispose]();
  say(`${at()}: the agents have stopped`);
  // Awaited here: the server is stopped as soon as this returns.
  return await judge({
    ...notes,
    faults,
    calmAfterMs,
    server,
    direct,
    topic,
    nodes: nodes.items,
    seconds: (performance.now() - beganMs) / 1_000,
  });
}

async function strikeNode(name: NodeFaultName, node: ChaosNode | undefined, stage: Stage): Promise<void> {
  if (node === undefined) throw new Error(`no node for '${name}'`);
  const over = node.strike(name);
  await nodeFaults[name](node, stage);
  over();
}

/** The road of the store's own clients is cut at a commit, before or after it, again and again. */
async function stormOn(
  road: { cutAtCommit(when: 'asked' | 'answered'): Promise<void>; forgetCommitCut(): void },
  signal: AbortSignal,
): Promise<void> {
  signal.addEventListener('abort', () => road.forgetCommitCut());
  for (let turn = 0; !signal.aborted; turn += 1) {
    await road.cutAtCommit(turn % 2 === 0 ? 'asked' : 'answered');
    await sleep(200, undefined, { signal }).catch(() => undefined);
  }
}

/** Every agent is there, and its broker leads every partition that it shall. */
async function calm({ nodes, signal }: Stage, board: TermBoard, partitions: number): Promise<void> {
  await eventually(
    async () => {
      if (signal.aborted) return true;
      const states = await Promise.all(nodes.map(async ({ agent }) => (await agent.self()).state));
      const isCalm = states.every((state) => state === 'active') && board.ledCount() === partitions;
      if (!isCalm)
        throw new Error(`agents are ${states.join()}; ${board.ledCount()} of ${partitions} are led`);
      return true;
    },
    { timeoutMs: calmMs, everyMs: 100, what: 'every partition to be led, by its broker' },
  ).catch((error: unknown) => {
    const words = nodes.flatMap(({ agentId, agent }) =>
      [...agent.program.stdoutLines, ...agent.program.stderrLines]
        .slice(-8)
        .map((line) => `${agentId}: ${line}`),
    );
    throw new Error(`${String(error)}\n${words.join('\n')}`, { cause: error });
  });
  signal.throwIfAborted();
}

async function store(
  port: number,
  group: string,
  { migrate = false }: { readonly migrate?: boolean } = {},
): Promise<MetadataStore> {
  const connectionString = `postgres://postgres@127.0.0.1:${port}/postgres`;
  return openPostgresStore({
    connectionString,
    directConnectionString: connectionString,
    applicationName: 'chaos',
    attemptMs: 500,
    schema: 'streamhouse',
    group,
    poolMax: 2,
    migrate,
  });
}

interface All<T> extends AsyncDisposable {
  readonly items: readonly T[];
}

/** All or none; disposed of together, once. */
async function all<T extends AsyncDisposable>(starting: readonly Promise<T>[]): Promise<All<T>> {
  const started = await Promise.allSettled(starting);
  const items = started.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  let over: Promise<unknown> | undefined;
  const dispose = async (): Promise<void> => {
    over ??= Promise.all(items.map((item) => item[Symbol.asyncDispose]()));
    await over;
  };
  const failed = started.find((each) => each.status === 'rejected');
  if (failed === undefined) return { items, [Symbol.asyncDispose]: dispose };
  await dispose();
  throw failed.reason;
}
