// A broker beside its agent, in a process of its own: keeps to what it is told (docs/broker-guide.md), writes segments while it may,
// and gives up what it is asked for; promptly, late or never.
import type { JournalEntry } from '../../src/coordination/event-journal.ts';
import type { Agent } from '../../src/coordination/agent.ts';
import { leaseKeyText, type PartitionKey, partitionKey } from '../../src/domain/lease.ts';
import { Refusal } from '../../src/domain/refusal.ts';
import type { NewSegment } from '../../src/domain/segment.ts';
import type { HostProcess } from './host.ts';
import type { Random } from './random.ts';
import type { World } from './world.ts';

/** How long a hop between the two takes, milliseconds. */
const hopMs = 0.2;
/** How often it asks how long it may go on, and how often it writes, milliseconds. */
const askMs = 400;
const writeMs = { from: 300, to: 900 };

interface Leading {
  readonly key: PartitionKey;
  readonly epoch: number;
  /** What is being appended: asked again, the same, until it is known what became of it. */
  pending: NewSegment | undefined;
}

export type BrokerManners = 'prompt' | 'late' | 'silent';

export class Broker {
  manners: BrokerManners = 'prompt';
  private readonly world: World;
  private readonly process: HostProcess;
  private readonly agent: Agent;
  private readonly random: Random;
  private readonly terms = new Map<string, Leading>();
  private stream: Disposable | undefined;
  private unsubscribe: () => void = () => undefined;
  private read = 0;
  /** Until when it may write, its own monotonic clock. */
  private untilMs = 0;
  private written = 0;

  constructor(world: World, process: HostProcess, agent: Agent) {
    this.world = world;
    this.process = process;
    this.agent = agent;
    this.random = world.random.fork();
  }

  start(): void {
    const { agent, process } = this;
    this.stream = agent.attachBroker();
    this.read = agent.journal.last;
    for (const { key, epoch } of agent.holds()) this.terms.set(leaseKeyText(key), lead(key, epoch));
    this.unsubscribe = agent.journal.onAppend(() => {
      process.deliver(() => this.world.scheduler.after(hopMs, () => process.deliver(() => this.readOn())));
    });
    this.ask();
    void this.write();
  }

  /** The process is gone: its stream ends. */
  kill(): void {
    this.process.kill();
    this.leave();
  }

  /** Its agent is gone, or it is: nothing may be written any more. */
  leave(): void {
    this.untilMs = 0;
    this.unsubscribe();
    this.stream?.[Symbol.dispose]();
    this.stream = undefined;
  }

  private ask(): void {
    const { agent, process } = this;
    if (this.stream === undefined) return;
    const sentMs = process.monotonicMs();
    const { trustedForMs } = agent.held();
    this.world.scheduler.after(hopMs, () =>
      process.deliver(() => {
        this.untilMs = sentMs + trustedForMs;
      }),
    );
    process.timer(askMs, () => this.ask());
  }

  private readOn(): void {
    if (this.stream === undefined) return;
    const entries = this.agent.journal.after(this.read, 10_000) ?? [];
    for (const entry of entries) {
      this.read = entry.n;
      this.hear(entry);
    }
  }

  private hear({ event }: JournalEntry): void {
    switch (event.type) {
      case 'lease.granted': {
        const key = partitionKey(event.topic, event.partition);
        this.terms.set(leaseKeyText(key), lead(key, event.epoch));
        break;
      }
      case 'lease.lost':
        this.terms.delete(`${event.topic}/${event.partition}`);
        break;
      case 'lease.revoking':
        this.giveUp(partitionKey(event.topic, event.partition), event.epoch);
        break;
      case 'session.suspended':
        this.untilMs = 0;
        break;
      case 'session.resumed':
      case 'election.won':
      case 'election.lost':
      case 'assignment.changed':
      case 'agent.changed':
        break;
    }
  }

  private giveUp(key: PartitionKey, epoch: number): void {
    const { random, world, manners } = this;
    this.terms.delete(leaseKeyText(key));
    if (manners === 'silent') {
      world.faults['broker silent'] += 1;
      return;
    }
    if (manners === 'late') world.faults['broker late'] += 1;
    const afterMs = manners === 'late' ? random.between(500, 6_000) : random.between(1, 80);
    this.process.timer(afterMs, () => {
      if (this.stream !== undefined) this.agent.acknowledge([{ key, epoch }]).catch(() => undefined);
    });
  }

  private async write(): Promise<void> {
    const { process, random } = this;
    for (;;) {
      await process.sleep(random.between(writeMs.from, writeMs.to));
      if (this.stream === undefined) return;
      const terms = [...this.terms.values()];
      if (terms.length === 0 || process.monotonicMs() >= this.untilMs) continue;
      await this.append(random.pick(terms));
    }
  }

  private async append(leading: Leading): Promise<void> {
    const { key, epoch } = leading;
    const { store, sessionId } = this.agent;
    if (store === undefined || sessionId === null) return;
    try {
      leading.pending ??= await this.nextSegment(key);
      const { pending } = leading;
      if (pending === undefined) return;
      const topicId = this.world.topicId(key.topic);
      await store.appendSegments({ sessionId, epoch }, key.topic, key.partition, [pending]);
      // A topic that was deleted and made again meanwhile: which one has it, the answer does not tell.
      if (topicId !== undefined && topicId === this.world.topicId(key.topic)) {
        this.world.ledger.acknowledge(leaseKeyText(key), topicId, pending.baseOffset, pending.id);
      }
      leading.pending = undefined;
    } catch (error) {
      if (error instanceof Refusal) leading.pending = undefined;
    }
  }

  private async nextSegment({ topic, partition }: PartitionKey): Promise<NewSegment | undefined> {
    const found = await this.agent.store?.getPartition(topic, partition);
    if (found === undefined) return undefined;
    this.written += 1;
    return segmentAt(found.highWatermark, `${this.process.name}-${this.written}`);
  }
}

function lead(key: PartitionKey, epoch: number): Leading {
  return { key, epoch, pending: undefined };
}

/** Ten records. */
export function segmentAt(baseOffset: number, id: string): NewSegment {
  const endOffset = baseOffset + 9;
  return { id, baseOffset, endOffset, recordCount: 10, sizeBytes: 100, bucket: 'b', key: id };
}
