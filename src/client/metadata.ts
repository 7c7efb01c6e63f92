// What a broker reads from the metadata store through its agent, and the offsets that consumers commit. Any agent of the group
// answers the same.
import type { AgentAnswer, AgentHttp } from './agent-http.ts';
import { NotFound } from './errors.ts';
import type { Fields } from './fields.ts';
import { type Segment, segmentOf } from './segment.ts';
import type { PartitionName } from './wire-event.ts';

/** Who leads a partition, as the store knows it; that may change before you get there. */
export interface Leader extends PartitionName {
  /** Null: nobody leads it now. */
  readonly agentId: string | null;
  /** The address of the leader's broker, as its agent was given it (AGENT_ADDRESS). */
  readonly address: string | null;
  readonly epoch: number;
}

export interface PartitionState {
  readonly partition: number;
  /** The next offset to be written. */
  readonly highWatermark: number;
  /** The first offset that is kept. */
  readonly startOffset: number;
  /** The leader's agentId. */
  readonly leader: string | null;
  readonly epoch: number;
}

/** Where an offset lies. `gap`: in no segment, and `next` is where to go on. */
export type OffsetLocation =
  | { readonly result: 'found'; readonly segment: Segment }
  | { readonly result: 'gap'; readonly next: number }
  | { readonly result: 'before_start'; readonly startOffset: number }
  | { readonly result: 'at_end'; readonly highWatermark: number };

export interface CommittedOffset {
  /** The next offset to read. */
  readonly offset: number;
  readonly metadata: string | null;
}

/** All of these throw NotFound for what does not exist, Unavailable when nobody answers. */
export class Metadata {
  private readonly http: AgentHttp;

  constructor(http: AgentHttp) {
    this.http = http;
  }

  async leader({ topic, partition }: PartitionName): Promise<Leader> {
    const { body } = await this.get(['v1', 'leases', topic, String(partition)]);
    return {
      topic,
      partition,
      agentId: body.textOrNull('agentId'),
      address: body.textOrNull('address'),
      epoch: body.whole('epoch'),
    };
  }

  async partition({ topic, partition }: PartitionName): Promise<PartitionState> {
    const { body } = await this.get(['v1', 'topics', topic, 'partitions', String(partition)]);
    return stateOf(body);
  }

  /** All partitions of a topic, in order; asks for more as they are used up. */
  async *partitions(topic: string): AsyncGenerator<PartitionState, void, undefined> {
    for await (const item of this.pages(['v1', 'topics', topic, 'partitions'], 'partitions'))
      yield stateOf(item);
  }

  /** Segments from the one that holds `from` onwards, in the order of offsets; asks for more as they are used up. */
  async *segments(
    { topic, partition }: PartitionName,
    { from = 0, pageSize }: { readonly from?: number; readonly pageSize?: number } = {},
  ): AsyncGenerator<Segment, void, undefined> {
    const path = ['v1', 'topics', topic, 'partitions', String(partition), 'segments'];
    for await (const item of this.pages(path, 'segments', { from, limit: pageSize })) yield segmentOf(item);
  }

  /** Which segment holds an offset. */
  async segmentAt({ topic, partition }: PartitionName, offset: number): Promise<OffsetLocation> {
    const path = ['v1', 'topics', topic, 'partitions', String(partition), 'segments', 'at', String(offset)];
    const { body } = await this.get(path);
    const result = body.text('result');
    switch (result) {
      case 'found':
        return { result, segment: segmentOf(body.part('segment')) };
      case 'gap':
        return { result, next: body.whole('next') };
      case 'before_start':
        return { result, startOffset: body.whole('startOffset') };
      default:
        return { result: 'at_end', highWatermark: body.whole('highWatermark') };
    }
  }

  /** Undefined: the group has committed nothing for this partition. */
  async committedOffset(
    group: string,
    { topic, partition }: PartitionName,
  ): Promise<CommittedOffset | undefined> {
    try {
      const { body } = await this.get(['v1', 'groups', group, 'offsets', topic, String(partition)]);
      return { offset: body.whole('offset'), metadata: body.textOrNull('metadata') };
    } catch (error) {
      if (error instanceof NotFound) return undefined;
      throw error;
    }
  }

  /** Commits the next offset to read. The group is created by its first commit; committing the same again changes nothing. */
  async commitOffset(
    group: string,
    { topic, partition }: PartitionName,
    { offset, metadata = null }: { readonly offset: number; readonly metadata?: string | null },
  ): Promise<void> {
    const path = ['v1', 'groups', group, 'offsets', topic, String(partition)];
    await this.http.ask({ method: 'PUT', path, body: { offset, metadata } });
  }

  private get(path: readonly string[]): Promise<AgentAnswer> {
    return this.http.ask({ method: 'GET', path });
  }

  private async *pages(
    path: readonly string[],
    list: string,
    query: Readonly<Record<string, string | number | undefined>> = {},
  ): AsyncGenerator<Fields, void, undefined> {
    let cursor: string | undefined;
    do {
      const { body } = await this.http.ask({ method: 'GET', path, query: { ...query, cursor } });
      yield* body.list(list);
      cursor = body.optionalText('nextCursor');
    } while (cursor !== undefined);
  }
}

function stateOf(body: Fields): PartitionState {
  return {
    partition: body.whole('partition'),
    highWatermark: body.whole('highWatermark'),
    startOffset: body.whole('startOffset'),
    leader: body.textOrNull('leader'),
    epoch: body.whole('epoch'),
  };
}
