// People and their tools: topics come, go and come back under their names; agents are drained, partitions moved, sessions ended. They
// reach the database always and at once; the hint behind it goes the way of all signals.
import type { PartitionKey } from '../../src/domain/lease.ts';
import { partitionKey } from '../../src/domain/lease.ts';
import { Refusal } from '../../src/domain/refusal.ts';
import type { MetadataStore } from '../../src/store/metadata-store.ts';
import { segmentAt } from './broker.ts';
import type { FaultKind } from './faults.ts';
import type { Cluster, Member } from './member.ts';
import type { Random } from './random.ts';

const topics = ['orders', 'payments'];
const partitionsMax = 6;

export type Act = Extract<
  FaultKind,
  | 'topic created'
  | 'topic deleted'
  | 'partitions added'
  | 'agent drained'
  | 'move asked'
  | 'release asked'
  | 'session end asked'
  | 'balancing paused'
  | 'stale write'
>;

/** A term as somebody remembers it who may be wrong by now. */
interface Remembered {
  readonly key: PartitionKey;
  readonly epoch: number;
  readonly sessionId: string;
}

export class Operator {
  private readonly cluster: Cluster;
  private readonly store: MetadataStore;
  private readonly members: readonly Member[];
  private readonly random: Random;
  private readonly remembered: Remembered[] = [];
  private staleWrites = 0;

  constructor(cluster: Cluster, store: MetadataStore, members: readonly Member[]) {
    this.cluster = cluster;
    this.store = store;
    this.members = members;
    this.random = cluster.random.fork();
  }

  /** Does one of the things that operators do. */
  act(what: Act): void {
    void this.tryTo(what);
  }

  async createTopic(name: string, partitionCount: number): Promise<void> {
    await this.store.createTopic({ name, partitionCount, retentionMs: null, config: {} });
    this.cluster.signals.broadcast('topics');
  }

  /** Everybody may take work again; balancing goes on. */
  async tidyUp(): Promise<void> {
    for (const { agentId } of this.members) {
      if (this.random.chance(0.3)) continue;
      await this.store.setPlacement(agentId, 'open').catch(ignoreRefusal);
    }
    await this.store.setPaused(false);
    if ((await this.store.listTopics({ limit: 10 })).items.length === 0)
      await this.createTopic('orders', this.random.whole(1, 4));
    this.cluster.signals.broadcast('assignment');
  }

  /** Writers that remember old terms try them all: what they may still write, they may. */
  async writeStale(): Promise<void> {
    for (const { agentId: _, current } of this.members) {
      const sessionId = current?.agent.sessionId;
      if (current === undefined || sessionId === null || sessionId === undefined) continue;
      for (const { key, epoch } of current.agent.holds()) this.remember({ key, epoch, sessionId });
    }
    for (const term of this.random.some(this.remembered, 0.3)) await this.writeAs(term);
  }

  private remember(term: Remembered): void {
    const isKnown = this.remembered.some(
      ({ epoch, key }) =>
        epoch === term.epoch && key.topic === term.key.topic && key.partition === term.key.partition,
    );
    if (isKnown) return;
    this.remembered.push(term);
    if (this.remembered.length > 20) this.remembered.shift();
  }

  private async writeAs({ key, epoch, sessionId }: Remembered): Promise<void> {
    const found = await this.store.getPartition(key.topic, key.partition);
    if (found === undefined) return;
    this.staleWrites += 1;
    const segment = segmentAt(found.highWatermark, `stale-${this.staleWrites}`);
    try {
      await this.store.appendSegments({ sessionId, epoch }, key.topic, key.partition, [segment]);
    } catch (error) {
      ignoreRefusal(error);
      this.cluster.faults['stale write'] += 1;
    }
  }

  private async somePartition(): Promise<PartitionKey> {
    const { items } = await this.store.listTopics({ limit: 10 });
    if (items.length === 0) return partitionKey('none', 0);
    const { name, partitionCount } = this.random.pick(items);
    return partitionKey(name, this.random.whole(0, partitionCount - 1));
  }

  private async tryTo(what: Act): Promise<void> {
    try {
      await this.doing(what);
      this.cluster.faults[what] += 1;
      this.cluster.note('operator', what);
    } catch (error) {
      // What there is to act on may have gone meanwhile.
      ignoreRefusal(error);
    }
  }

  private async doing(what: Act): Promise<void> {
    const { store, random, members, cluster } = this;
    const agentId = random.pick(members).agentId;
    const topic = random.pick(topics);
    const { signals } = cluster;
    switch (what) {
      case 'topic created':
        await this.createTopic(topic, random.whole(1, partitionsMax));
        break;
      case 'topic deleted':
        await store.deleteTopic(topic);
        signals.broadcast('topics');
        // And at once anew, so that those who led it may not have heard of it.
        if (random.chance(0.5)) await this.createTopic(topic, random.whole(1, partitionsMax));
        break;
      case 'partitions added': {
        const count = (await store.getTopic(topic))?.partitionCount ?? 0;
        await store.addPartitions(topic, Math.min(partitionsMax, count + random.whole(1, 2)));
        signals.broadcast('topics');
        break;
      }
      case 'agent drained':
        await store.setPlacement(agentId, random.pick(['draining', 'cordoned', 'open']));
        signals.broadcast('membership');
        break;
      case 'move asked': {
        const { topic: name, partition } = await this.somePartition();
        await store.assign(name, partition, random.chance(0.3) ? null : agentId, null);
        signals.broadcast('assignment');
        break;
      }
      case 'release asked':
        await store.requestRelease(await this.somePartition(), null);
        signals.broadcast('session');
        break;
      case 'session end asked':
        await store.removeAgent(agentId, { force: true });
        signals.broadcast('session');
        break;
      case 'balancing paused':
        await store.setPaused(random.chance(0.7));
        signals.broadcast('assignment');
        break;
      case 'stale write':
        await this.writeStale();
        break;
    }
  }
}

function ignoreRefusal(error: unknown): void {
  if (!(error instanceof Refusal)) throw error;
}
