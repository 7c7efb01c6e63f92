// The run: a server, processes full of agents, and one part after the other.
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../src/platform/clock.ts';
import { openPostgresStore } from '../../src/store/postgres/open.ts';
import { startPostgresServer } from '../../test/support/postgres-server.ts';
import { HostingProcess } from './hosting-process.ts';
import type { Hosting } from './messages.ts';
import { Measuring, type Phase } from './measure.ts';
import { Observer } from './observer.ts';
import type { ScaleOptions } from './options.ts';

export interface Outcome {
  readonly options: ScaleOptions;
  readonly phases: readonly Phase[];
  /** Names of leases whose epoch fell, or that were led by nobody at the end of a part. */
  readonly fallen: readonly string[];
  /** Why the part after these phases was given up; none when all are done. */
  readonly unfinished?: string;
}

type Took = Readonly<Record<string, number>>;

const schema = 'streamhouse';
/** A full pool, the coordination connection and the listener's. */
const connectionsPerAgent = 6;
/** Beside the agents: the bench's own, the server's reserve. */
const connectionsSpare = 50;

/** `tell` hears what is done, for people. */
export async function run(options: ScaleOptions, tell: (text: string) => void): Promise<Outcome> {
  const settings = {
    max_connections: options.agents * connectionsPerAgent + connectionsSpare,
    shared_buffers: '512MB',
    max_wal_size: '4GB',
  };
  await using server = await startPostgresServer({ major: 16, settings });
  const hosting: Hosting = { url: server.url, schema, ttlMs: options.ttlMs };
  const hosts = crew(options, hosting);
  try {
    await createSchema(server.url);
    await using observer = await Observer.open(server.url, schema);
    const measuring = new Measuring(observer, server.pid ?? 0, hosts);
    const phases: Phase[] = [];
    const fallen = new Set<string>();
    let epochs = await observer.epochs();
    const part = async (name: string, work: () => Promise<Took>): Promise<void> => {
      const phase = await measuring.phase(name, work);
      const now = await observer.epochs();
      for (const [lease, epoch] of epochs) if ((now.get(lease) ?? 0) < epoch) fallen.add(lease);
      epochs = now;
      phases.push(phase);
      tell(`${name}: ${phase.seconds.toFixed(1)} s`);
    };
    for (const { name, work } of partsOf(options, server.url, hosts, observer)) {
      try {
        await part(name, () => within(options.patienceSeconds, work()));
      } catch (error) {
        const unfinished = `${name}: ${error instanceof Error ? error.message : String(error)}`;
        return { options, phases, fallen: [...fallen], unfinished };
      }
    }
    return { options, phases, fallen: [...fallen] };
  } finally {
    await Promise.all(hosts.map((host) => host.kill()));
  }
}

async function within(seconds: number, work: Promise<Took>): Promise<Took> {
  const ending = new AbortController();
  const late = sleep(seconds * 1_000, undefined, { signal: ending.signal }).then((): Took => {
    throw new Error(`not done within ${seconds} s`);
  });
  late.catch(() => undefined); // when the work was done first
  return Promise.race([work, late]).finally(() => ending.abort());
}

interface Part {
  readonly name: string;
  readonly work: () => Promise<Took>;
}

function partsOf(
  options: ScaleOptions,
  url: string,
  hosts: readonly HostingProcess[],
  observer: Observer,
): readonly Part[] {
  const { scenario, partitions, seconds, settleSeconds } = options;
  const [victim, ...others] = hosts;
  if (victim === undefined) throw new Error('nobody to kill');
  const led = (): Promise<void> => observer.untilLed(partitions);
  const start: Part = {
    name: 'agents start',
    work: async () => timed('active', () => Promise.all(hosts.map((host) => host.start()))),
  };
  const topics: Part = {
    name: 'topics are created',
    work: async () => {
      const created = await timed('created', () => createTopics(url, options));
      return { ...created, ...(await timed('all led', led)) };
    },
  };
  const steady: Part = {
    name: 'steady state',
    work: async () => {
      await sleep(seconds * 1_000);
      return {};
    },
  };
  const settle: Part = {
    name: 'settling',
    work: async () => {
      await sleep(settleSeconds * 1_000);
      return {};
    },
  };
  const killed = (name: string, killing: readonly HostingProcess[]): Part => ({
    name,
    work: async () => {
      const agentIds = killing.flatMap(({ agents }) => agents.map(({ agentId }) => agentId));
      await Promise.all(killing.map((host) => host.kill()));
      const detected = await timed('until all their sessions were ended', () =>
        observer.untilEnded(agentIds),
      );
      const granted = {
        'from the first end of a session until all were led': await observer.takeoverMs(agentIds),
      };
      await led();
      return { ...detected, ...granted };
    },
  });
  const again = (name: string, starting: readonly HostingProcess[]): Part => ({
    name,
    work: async () => {
      const active = await timed('active', () => Promise.all(starting.map((host) => host.start())));
      return { ...active, ...(await timed('all led', led)) };
    },
  });
  const rolling: Part = {
    name: 'rolling restart',
    work: async () =>
      timed('all, one process after the other', async () => {
        for (const host of hosts) {
          await host.stopAgents();
          await host.start();
          await led();
        }
      }),
  };
  const zone = others.filter((host) => host.zone === others[0]?.zone);
  switch (scenario) {
    case 'steady':
      return [start, topics, settle, steady];
    case 'takeover':
      return [start, topics, settle, killed('one agent is killed', [victim])];
    case 'whole':
    default:
      return [
        start,
        topics,
        settle,
        steady,
        killed('one agent is killed', [victim]),
        killed('a zone is killed', zone),
        again('they come back', [victim, ...zone]),
        rolling,
      ];
  }
}

/** The first agent alone in a process; the others dealt out to the processes of their zones. */
function crew(options: ScaleOptions, hosting: Hosting): readonly HostingProcess[] {
  const named = Array.from(
    { length: options.agents },
    (_, index) => `agent-${String(index).padStart(4, '0')}`,
  );
  const [alone = '', ...rest] = named;
  const zoneOf = (index: number): string => `zone-${index % options.zones}`;
  const many = Array.from({ length: options.processes }, (_, process) => {
    const zone = zoneOf(process);
    const agents = rest.filter((__, index) => index % options.processes === process);
    return new HostingProcess(
      hosting,
      zone,
      agents.map((agentId) => ({ agentId, zone })),
    );
  });
  return [new HostingProcess(hosting, zoneOf(0), [{ agentId: alone, zone: zoneOf(0) }]), ...many];
}

async function openStore(url: string) {
  return openPostgresStore({
    connectionString: url,
    directConnectionString: url,
    applicationName: 'bench',
    attemptMs: 60_000,
    schema,
    group: 'default',
    poolMax: 1,
    migrate: true,
  });
}

async function createSchema(url: string): Promise<void> {
  await using _ = await openStore(url);
}

/** As `POST /v1/topics` does, but for the signal: the coordinator hears of the last topic by its next look at the generation. */
async function createTopics(url: string, { topics, partitions }: ScaleOptions): Promise<void> {
  await using store = await openStore(url);
  for (let index = 0; index < topics; index += 1) {
    const partitionCount = Math.floor((partitions + index) / topics);
    await store.createTopic({ name: `topic-${index}`, partitionCount, retentionMs: null, config: {} });
  }
}

async function timed(what: string, work: () => Promise<unknown>): Promise<Took> {
  const startedMs = systemClock.monotonicMs();
  await work();
  return { [what]: systemClock.monotonicMs() - startedMs };
}
