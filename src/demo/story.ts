// The story: three agents, a broker beside each, producers that never stop; a partition is moved, one agent is killed, one is stopped,
// both come back; a write from the past is refused. What it shows it also records; the verdict is not its business.
import { bodyOf } from './api.ts';
import type { Evidence, Lease, Passage } from './history.ts';
import type { DemoOptions } from './options.ts';
import { partitionText } from './partition-name.ts';
import { DemoFailed, pause } from './patience.ts';
import { tellKill, tellHandoff } from './passage-report.ts';
import { number, type Report, seconds } from './report.ts';
import type { Stage } from './stage.ts';
import { watchTakeover } from './takeover.ts';
import { appendFromThePast } from './zombie.ts';

const agentIds = ['a', 'b', 'c'] as const;
/** Not a multiple of three: somebody has one less, and can be given one without unbalancing anything. */
export const topics = [
  { name: 'orders', partitionCount: 12 },
  { name: 'payments', partitionCount: 5 },
] as const;

const topicNames = topics.map(({ name }) => name);
export const partitions = topics.flatMap(({ name, partitionCount }) =>
  Array.from({ length: partitionCount }, (_, partition) => ({ topic: name, partition })),
);

export async function playStory(stage: Stage, report: Report, options: DemoOptions): Promise<Evidence> {
  const { pace } = options;
  const scene = new Scenes(stage, report, options);
  await scene.open();
  await pause(stage.patience, pace.beforeMoveMs);
  await scene.move();
  await pause(stage.patience, pace.beforeKillMs);
  const killed = await scene.kill('a');
  await pause(stage.patience, pace.beforeStopMs);
  await scene.stop('b');
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
    const { crew } = stage;
    const [first, ...others] = agentIds;
    const brokers = Promise.all(agentIds.map(async (agentId) => crew.startBroker(agentId)));
    // The first one creates the schema and becomes coordinator; so it is the one that will be missed most.
    const startAgents = async () => [
      await crew.start(first),
      ...(await Promise.all(others.map(async (agentId) => crew.start(agentId)))),
    ];
    const [runs] = await Promise.all([startAgents(), brokers]);
    stage.startSampling();
    report.line(
      `three agents are up: ${runs.map(({ agentId, child }) => `${agentId} (pid ${child.pid})`).join(', ')}`,
    );
    const besides = crew.brokers().map(({ agentId, child }) => `${agentId} (pid ${child.pid})`);
    report.line(`the example broker is up beside each: ${besides.join(', ')}`);
    for (const { name, partitionCount } of topics) {
      bodyOf(await stage.agent().api.createTopic(name, partitionCount), `create topic ${name}`);
    }
    report.line(
      `topics created: ${topics.map((topic) => `${topic.name} with ${topic.partitionCount} partitions`).join(', ')}`,
    );
    await this.showLeaders(`all ${partitions.length} partitions are led`);
    stage.startProducers();
    report.line('a producer to each partition: records go to its leader, who writes them as segment files');
  }

  /** An operator gives a partition of whoever has most to whoever has least: nobody else is touched by that. */
  async move(): Promise<void> {
    const { stage, report } = this;
    const before = await stage.balanced(this.timeoutMs);
    const share = (agentId: string) => before.filter((lease) => lease.agentId === agentId).length;
    const [to, ...others] = agentIds.toSorted((one, other) => share(one) - share(other));
    const from = others.at(-1);
    const lease = before.find(({ agentId }) => agentId === from);
    if (to === undefined || from === undefined || lease === undefined)
      throw new DemoFailed('nothing to move');
    this.countRecords();
    report.line(`an operator moves ${partitionText(lease)} from ${from} to ${to}`);
    const { api } = stage.agent();
    await this.pass({ agentId: from, how: 'move', to, before, moved: [lease] }, async () => {
      bodyOf(await api.move(lease, to), `move ${partitionText(lease)} to ${to}`);
    });
  }

  async kill(agentId: string): Promise<Passage> {
    return this.depart(agentId, 'SIGKILL', 'kill -9 of');
  }

  async stop(agentId: string): Promise<Passage> {
    return this.depart(agentId, 'SIGTERM', 'SIGTERM (graceful stop) to');
  }

  async comeBack(ids: readonly string[]): Promise<void> {
    for (const agentId of ids) {
      const { child } = await this.stage.crew.start(agentId);
      this.report.line(
        `agent ${agentId} is started again (pid ${child.pid}); its broker was there all the while`,
      );
      await this.showLeaders('balanced again');
    }
  }

  /** A write with the epoch that the killed agent had: through the agent that leads now, and through the one that led then. */
  async zombies({ agentId, moved }: Passage): Promise<void> {
    const { stage, report } = this;
    const now = new Map((await stage.leases()).map((lease) => [partitionText(lease), lease]));
    const leaderOf = (lease: Lease) => now.get(partitionText(lease))?.agentId;
    // One that another leads tells the story better; one that came back has a newer epoch all the same.
    const old = moved.find((lease) => leaderOf(lease) !== agentId) ?? moved[0];
    if (old === undefined) throw new DemoFailed(`agent ${agentId} led nothing`);
    for (const through of new Set([leaderOf(old) ?? agentId, agentId])) await this.zombie(old, through);
    report.detail(
      'the fence stands in the write itself: what an agent believes of its leases does not matter',
    );
  }

  async end(): Promise<Evidence> {
    const { stage, report } = this;
    await stage.quiet();
    this.countRecords();
    report.line(
      `producers stopped, their last batches acknowledged; ${number(stage.producers.retries)} attempts were made again`,
    );
    const evidence = await stage.evidence();
    report.line('consumers read everything back, segments from an agent and records from the files:');
    return evidence;
  }

  private async depart(agentId: string, how: 'SIGKILL' | 'SIGTERM', doing: string): Promise<Passage> {
    const { stage, report } = this;
    this.countRecords();
    const run = stage.agent(agentId);
    const role = (await run.api.isCoordinator()) ? ', the coordinator' : '';
    const before = await stage.balanced(this.timeoutMs);
    const moved = before.filter((lease) => lease.agentId === agentId);
    report.line(`${doing} agent ${agentId}${role}, which leads ${moved.length} partitions`);
    const passage = await this.pass({ agentId, how, before, moved }, () => run.child.signal(how));
    await run.child.exited;
    return passage;
  }

  /** Does it, watches the partitions until others lead them, and records and tells how that was. */
  private async pass(plan: Omit<Passage, 'after'>, act: () => Promise<void> | void): Promise<Passage> {
    const { stage, report } = this;
    const { agentId, how, moved } = plan;
    const witness = stage.crew.live().find((each) => each.agentId !== agentId);
    if (witness === undefined) throw new DemoFailed(`nobody is left beside ${agentId}`);
    const sinceMs = stage.patience.clock.monotonicMs();
    await act();
    const watch = { orphans: moved, sinceMs };
    const { firstMs, lastMs } = await watchTakeover(stage.patience, witness.api, watch, this.timeoutMs);
    const ttl = how === 'SIGKILL' ? ` (TTL ${seconds(this.ttlMs)})` : '';
    const times =
      moved.length === 1
        ? seconds(lastMs)
        : `${seconds(firstMs)}, all ${moved.length} after ${seconds(lastMs)}`;
    report.line(`led again: ${moved.length === 1 ? '' : 'first '}after ${times}${ttl}`);
    const after = await stage.balanced(this.timeoutMs);
    const passage = { ...plan, after };
    stage.history.passages.push(passage);
    this.showExample(moved[0], after);
    this.showOthers(passage);
    const terms = stage.terms();
    report.detail(how === 'SIGKILL' ? tellKill(passage, terms, sinceMs) : tellHandoff(passage, terms));
    return passage;
  }

  private async zombie(old: Lease, through: string): Promise<void> {
    const { stage, report } = this;
    const { api } = stage.agent(through);
    const zombie = await appendFromThePast(api, old, { through, data: stage.crew.data });
    if (zombie === undefined) throw new DemoFailed(`agent ${through} did not answer a write from the past`);
    stage.history.zombies.push(zombie);
    const { epoch, status, code = '', toldEpoch = 'not told' } = zombie;
    report.line(
      `zombie write to ${partitionText(old)} under the old epoch ${epoch}, through agent ${through}: ${status} ${code}, current epoch ${toldEpoch}`,
    );
  }

  private async showLeaders(text: string): Promise<void> {
    const { stage, report } = this;
    const leases = await stage.balanced(this.timeoutMs);
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

  private showOthers({ before, after, moved }: Passage): void {
    const others = before.filter((lease) => !moved.includes(lease));
    const same = others.filter((was) =>
      after.some(
        (is) =>
          partitionText(is) === partitionText(was) && is.agentId === was.agentId && is.epoch === was.epoch,
      ),
    );
    this.report.detail(`leases of the others: ${same.length} of ${others.length} as they were`);
  }

  private countRecords(): void {
    const { acknowledged } = this.stage.producers;
    const records = acknowledged.reduce((sum, { batch }) => sum + batch.records.length, 0);
    this.report.line(
      `${number(records)} records in ${number(acknowledged.length)} segments acknowledged so far`,
    );
  }
}
