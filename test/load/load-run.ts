// The load run: three agents and three brokers, producers that never stop, and faults all along; then everything is read back and checked.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { CheckResult } from '../../src/demo/checks/check.ts';
import { checkRecords } from '../../src/demo/checks/records.ts';
import { AgentApi } from '../../src/demo/api.ts';
import type { PartitionName } from '../../src/demo/partition-name.ts';
import { Producers } from '../../src/demo/producers.ts';
import { readBack } from '../../src/demo/read-back.ts';
import type { RecordEvidence } from '../../src/demo/records.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { eventually } from '../support/eventually.ts';
import { planFaults, playFaults } from './faults.ts';
import { LoadNode } from './node.ts';
import { seededRandom } from './seeded-random.ts';
import { Zombies } from './zombies.ts';

export interface LoadOptions {
  /** The store that the agents share, as variables of their environment. */
  readonly env: Readonly<Record<string, string>>;
  /** How long faults go on. */
  readonly seconds: number;
  readonly seed: number;
  /** Faults at a time, on different nodes. */
  readonly lanes: number;
  readonly say: (line: string) => void;
}

export interface LoadResult {
  readonly evidence: RecordEvidence;
  readonly checks: readonly CheckResult[];
}

const topic = 'orders';
const partitionCount = 24;
export const loadPartitions: readonly PartitionName[] = Array.from(
  { length: partitionCount },
  (_, partition) => ({ topic, partition }),
);

export async function runLoad({ env, seconds, seed, lanes, say }: LoadOptions): Promise<LoadResult> {
  // The faults are the seed's; what producers draw comes as their answers do, and is another chance each time.
  const random = seededRandom(seed + 1);
  await using stage = await setStage(env);
  const { nodes, data } = stage;
  const plan = planFaults(seededRandom(seed), nodes, { totalMs: seconds * 1_000, lanes });
  const addresses = nodes.map(({ address }) => address);
  const producers = new Producers(
    { clock: systemClock, random },
    { partitions: loadPartitions, addresses, producersPerPartition: 2 },
  );
  const zombies = new Zombies({ urls: nodes.map(({ agentUrl }) => agentUrl), data, random });
  const stop = new AbortController();
  const startedMs = performance.now();
  const at = (): string => `${((performance.now() - startedMs) / 1_000).toFixed(1)} s`;
  const working = Promise.all([producers.run(stop.signal), zombies.run(stop.signal)]);
  await sleep(1_000);
  await playFaults(plan, {
    lanes,
    signal: AbortSignal.timeout(seconds * 1_000),
    onFault: ({ how, part, node, forMs }) =>
      say(`${at()}: ${how} of ${part} ${node.name} for ${Math.round(forMs)} ms`),
  });
  await Promise.all(nodes.map((node) => node.active()));
  stop.abort();
  await eventually(() => producers.open.length === 0, {
    timeoutMs: 60_000,
    what: 'every batch to be acknowledged',
  }).catch((error: unknown) => {
    for (const line of [...producers.open, ...nodes.flatMap((node) => node.lastWords())]) say(line);
    throw error;
  });
  await working;
  const { sent, acknowledged, surprises, retries } = producers;
  say(
    `${at()}: ${acknowledged.length} batches acknowledged of ${sent.length}, ${retries} attempts made again, ${zombies.appends.length} writes from the past`,
  );
  const [reader] = nodes;
  if (reader === undefined) throw new Error('there is no node to read through');
  const partitions = loadPartitions;
  const read = await readBack(new AgentApi(reader.agentUrl, systemClock), { data, partitions });
  const evidence = { partitions, sent, acknowledged, read, zombies: zombies.appends, surprises };
  const checks = checkRecords(evidence);
  for (const { claim, counted, violations } of checks) {
    say(`${violations.length === 0 ? 'ok    ' : 'FAILED'} ${counted} ${claim}`);
    for (const violation of violations.slice(0, 10)) say(`       ${violation}`);
  }
  return { evidence, checks };
}

export interface LoadStage extends AsyncDisposable {
  readonly nodes: readonly LoadNode[];
  readonly data: string;
}

/** Three nodes that lead a topic of 24 partitions among them. `brokers` false: the caller has brokers of its own. */
export async function setStage(
  env: LoadOptions['env'],
  { brokers = true }: { readonly brokers?: boolean } = {},
): Promise<LoadStage> {
  const data = mkdtempSync(join(tmpdir(), 'streamhouse-load-'));
  const nodes = [
    await LoadNode.on({ name: 'a', env, data }),
    await LoadNode.on({ name: 'b', env, data }),
    await LoadNode.on({ name: 'c', env, data }),
  ];
  const stage = {
    nodes,
    data,
    async [Symbol.asyncDispose]() {
      await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()));
      rmSync(data, { recursive: true, force: true });
    },
  };
  try {
    for (const node of nodes) node.start('agent');
    if (brokers) for (const node of nodes) node.start('broker');
    await Promise.all(nodes.map((node) => node.active()));
    // An agent that no broker ever attached to does not miss one.
    if (brokers) await Promise.all(nodes.map((node) => node.attached()));
    await createTopic(nodes);
    return stage;
  } catch (error) {
    await stage[Symbol.asyncDispose]();
    throw error;
  }
}

const leasesForm = z.object({ leases: z.array(z.looseObject({ agentId: z.string().nullable() })) });

/** Who leads each partition, as one agent's store shows it; null: nobody. */
export async function leadersAt(url: string): Promise<(string | null)[]> {
  const { leases } = leasesForm.parse(await (await fetch(`${url}/v1/leases`)).json());
  return leases.map(({ agentId }) => agentId);
}

async function createTopic(nodes: readonly LoadNode[]): Promise<void> {
  const [node] = nodes;
  const url = node?.agentUrl ?? '';
  const created = await fetch(`${url}/v1/topics`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: topic, partitionCount }),
  });
  if (created.status !== 201) throw new Error(`the topic was not created: ${await created.text()}`);
  await eventually(
    async () => {
      const leaders = await leadersAt(url);
      const shares = nodes.map(({ name }) => leaders.filter((leader) => leader === name).length);
      return shares.every((share) => share === partitionCount / nodes.length);
    },
    { what: 'equal shares' },
  );
}
