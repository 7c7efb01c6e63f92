// The story: three agents, topics, writes; one agent is killed, one is stopped, both come back; a write from the past is refused.
// What it shows it also records; the verdict is not its business.
import { randomUUID } from 'node:crypto';
import { bodyOf } from './api.ts';
import type { DemoOptions } from './options.ts';
import { type Departure, type Evidence, type Lease, partitionText, type PlacedSegment } from './history.ts';
import { pause } from './patience.ts';
import { number, type Report, seconds } from './report.ts';
import type { Stage } from './stage.ts';
import { watchTakeover } from './takeover.ts';

const agentIds = ['a', 'b', 'c'] as const;
export const topics = [
  { name: 'orders', partitionCount: 12 },
  { name: 'payments', partitionCount: 6 },
] as const;

const topicNames = topics.map(({ name }) => name);
const partitions = topics.flatMap(({ name, partitionCount }) =>
  Array.from({ length: partitionCount }, (_, partition) => ({ topic: name, partition })),
);

export async function playStory(stage: Stage, report: Report, options: DemoOptions): Promise<Evidence> {
  const { pace } = options;
  const scene = new Scenes(stage, report, options);
  await scene.open();
  await pause(stage.patience, pace.beforeKillMs);
  const killed = await scene.depart('a', 'SIGKILL');
  await pause(stage.patience, pace.beforeStopMs);
  await scene.depart('b', 'SIGTERM');
  await pause(stage.patience, pace.beforeReturnMs);
  await scene.comeBack(['a', 'b']);
  await pause(stage.patience, pace.beforeEndMs);
  await scene.zombies(killed);
  return scene.end();
}

class Scenes {
  private readonly stage: Stage;
  private readonly report: Report;
  private readonly ttlMs: number;
  /** How long any one thing may take; far beyond what it does take. */
  private readonly timeoutMs: number;

  constructor(stage: Stage, report: Report, { ttlMs }: DemoOptions) {
    this.stage = stage;
    this.report = report;
    this.ttlMs = ttlMs;
    this.timeoutMs = 20_000 + 5 * ttlMs;
  }

  async open(): Promise<void> {
    const { stage, report } = this;
    const [first, ...others] = agentIds;
    // The first one creates the schema and becomes coordinator; so it is the one that will be missed most.
    const runs = [
      await stage.enter(first),
      ...(await Promise.all(others.map(async (agentId) => stage.enter(agentId)))),
    ];
    stage.startSampling();
    report.line(
      `three agents are up: ${runs.map(({ agentId, pid }) => `${agentId} (pid ${pid})`).join(', ')}`,
    );
    for (const { name, partitionCount } of topics) {
      bodyOf(await stage.agent().api.createTopic(name, partitionCount), `create topic ${name}`);
    }
    report.line(
      `topics created: ${topics.map((topic) => `${topic.name} with ${topic.partitionCount} partitions`).join(', ')}`,
    );
    await this.showLeaders(`all ${partitions.length} partitions are led`);
    report.line('a broker beside each agent appends segments to the partitions that its agent holds');
  }

  async depart(agentId: string, how: 'SIGKILL' | 'SIGTERM'): Promise<Departure> {
    const { stage, report } = this;
    const { clock } = stage.patience;
    this.countWrites();
    const run = stage.agent(agentId);
    const role = (await run.api.isCoordinator()) ? ', the coordinator' : '';
    const before = await stage.leases();
    const own = before.filter((lease) => lease.agentId === agentId);
    const doing = how === 'SIGKILL' ? 'kill -9 of' : 'SIGTERM (graceful stop) to';
    report.line(`${doing} agent ${agentId}${role}, which leads ${own.length} partitions`);
    const sinceMs = clock.monotonicMs();
    run.signal(how);
    const witness = stage.crew.live().find((each) => each.agentId !== agentId) ?? run;
    const departed = { agentId, before, sinceMs };
    const { after, firstMs, lastMs } = await watchTakeover(
      stage.patience,
      witness.api,
      departed,
      this.timeoutMs,
    );
    report.line(
      `led again: first after ${seconds(firstMs)}, all ${own.length} after ${seconds(lastMs)}` +
        (how === 'SIGKILL' ? ` (TTL ${seconds(this.ttlMs)})` : ''),
    );
    this.showExample(own[0], after);
    this.showOthers(before, after, agentId);
    if (how === 'SIGKILL') this.showBroker(run.holder, sinceMs);
    await run.exited;
    await stage.dismissBroker(run.holder);
    const departure = { agentId, holder: run.holder, how, before, after };
    stage.history.departures.push(departure);
    return departure;
  }

  async comeBack(ids: readonly string[]): Promise<void> {
    for (const agentId of ids) {
      const run = await this.stage.enter(agentId);
      this.report.line(`agent ${agentId} is started again (pid ${run.pid})`);
      await this.showLeaders('balanced again');
    }
  }

  /** A write with the epoch that the killed agent had: through the agent that leads now, and through the one that led then. */
  async zombies({ agentId, before }: Departure): Promise<void> {
    const { stage, report } = this;
    const now = new Map((await stage.leases()).map((lease) => [partitionText(lease), lease]));
    const moved = before.filter((lease) => lease.agentId === agentId);
    const leaderOf = (lease: Lease) => now.get(partitionText(lease))?.agentId;
    // One that another leads tells the story better; one that came back has a newer epoch all the same.
    const old = moved.find((lease) => leaderOf(lease) !== agentId) ?? moved[0];
    if (old === undefined) throw new Error(`agent ${agentId} led nothing`);
    const ways = new Set([leaderOf(old) ?? agentId, agentId]);
    for (const through of ways) await this.zombie(old, through);
    report.detail(
      'the fence stands in the write itself: what an agent believes of its leases does not matter',
    );
  }

  async end(): Promise<Evidence> {
    const { stage, report } = this;
    this.countWrites();
    await stage.quiet();
    const { history } = stage;
    report.line(
      `brokers stopped; ${number(history.fenced)} writes met the fence, ${number(history.unknown)} had no answer and were sent again while the lease lasted`,
    );
    const stored = [];
    for (const name of topicNames) stored.push(...(await stage.agent().api.readBack(name)));
    report.line('everything read back and checked:');
    return history.evidence(partitions, stored);
  }

  private async zombie(old: Lease, through: string): Promise<void> {
    const { stage, report } = this;
    const { topic, partition, epoch } = old;
    const { api } = stage.agent(through);
    const lease = async () => bodyOf(await api.lease(topic, partition), 'the lease');
    const { highWatermark } = bodyOf(await api.partition(topic, partition), 'the partition');
    const segment: PlacedSegment = {
      topic,
      partition,
      epoch,
      id: `zombie-${randomUUID()}`,
      baseOffset: highWatermark,
      endOffset: highWatermark,
      recordCount: 1,
      sizeBytes: 1,
      bucket: 'demo',
      key: `${topic}/${partition}/${epoch}/zombie`,
    };
    const { epoch: epochBefore } = await lease();
    const answer = await api.append(segment);
    const { epoch: epochAfter } = await lease();
    const problem = answer.kind === 'problem' ? answer.problem : undefined;
    const status = answer.kind === 'silent' ? 0 : answer.status;
    stage.history.zombies.push({
      segment,
      through,
      status,
      code: problem?.code,
      toldEpoch: problem?.currentEpoch,
      epochBefore,
      epochAfter,
    });
    report.line(
      `zombie write to ${partitionText(old)} under the old epoch ${epoch}, through agent ${through}: ${status} ${problem?.code ?? ''}, current epoch ${problem?.currentEpoch ?? 'not told'}`,
    );
  }

  private async showLeaders(text: string): Promise<void> {
    const { stage, report } = this;
    const leases = await stage.balanced(partitions.length, this.timeoutMs);
    report.line(text);
    const live = stage.crew.live().map(({ agentId }) => agentId);
    report.leaders(leases, live.toSorted(), topicNames);
  }

  private showExample(was: Lease | undefined, after: readonly Lease[]): void {
    const is = after.find((lease) => was !== undefined && partitionText(lease) === partitionText(was));
    if (was === undefined || is === undefined) return;
    this.report.detail(
      `${partitionText(was)}: ${was.agentId}, epoch ${was.epoch} → ${is.agentId}, epoch ${is.epoch}`,
    );
  }

  private showOthers(before: readonly Lease[], after: readonly Lease[], departed: string): void {
    const others = before.filter((lease) => lease.agentId !== departed);
    const same = others.filter((was) =>
      after.some(
        (is) =>
          partitionText(is) === partitionText(was) && is.agentId === was.agentId && is.epoch === was.epoch,
      ),
    );
    this.report.detail(`leases of the others: ${same.length} of ${others.length} as they were`);
  }

  private showBroker(holder: string, sinceMs: number): void {
    const broker = this.stage.broker(holder);
    if (broker === undefined) return;
    this.report.detail(
      `the broker beside ${holder} sent its last try after ${seconds(broker.lastWriteMs - sinceMs)} and had to stop after ${seconds(broker.trustedUntilMs - sinceMs)}: its own deadline`,
    );
  }

  private countWrites(): void {
    this.report.line(`${number(this.stage.history.acknowledged.length)} segments acknowledged so far`);
  }
}
