// Commits of offsets that come together go to the database together, each whole or not at all, and each with its own answer.
import { Refusal } from '../../domain/refusal.ts';
import type { Joining } from '../../platform/joining.ts';
import type { CommittedOffset, OffsetCommit } from '../consumer-groups.ts';
import { ConstraintViolation } from './database.ts';
import type { StoreJoining } from './joining.ts';
import type { Commit, CommitRow, CommitState, OffsetWrites } from './offset-writes.ts';
import { noSuchPartition } from './topics.ts';

type Answer = readonly CommittedOffset[];

export class OffsetCommits {
  private readonly writes: OffsetWrites;
  private readonly group: string;
  private readonly joining: Joining<Commit, Answer | Refusal>;

  constructor(writes: OffsetWrites, joining: StoreJoining, group: string) {
    this.writes = writes;
    this.group = group;
    this.joining = joining.of({
      keysOf: ({ consumerGroup, commits }) =>
        commits.map(({ topic, partition }) => `${consumerGroup} ${topic}/${partition}`),
      weightOf: ({ commits }) => commits.length,
      // Of two commits of one partition each the later one wins. With more than one, what is locked could keep the earlier one back alone.
      sharesKeys: true,
      together: (items) => this.ask(items, 'skip locked'),
      apart: (item) => joining.lanes.run(() => this.commitApart(item)),
    });
  }

  /** As `ConsumerGroupStore.commitOffsets`, of one at least. */
  async commit(consumerGroup: string, commits: readonly OffsetCommit[]): Promise<Answer> {
    const answer = await this.joining.run({ consumerGroup, commits: lastOfEach(commits) });
    if (answer instanceof Refusal) throw answer;
    return answer;
  }

  private async commitApart(item: Commit): Promise<Answer | Refusal> {
    const [answer] = await this.askInTurn(item);
    return answer ?? new Refusal('conflict', 'a partition changed while its offset was committed; ask again');
  }

  private async askInTurn(item: Commit): Promise<readonly (Answer | Refusal | undefined)[]> {
    try {
      return await this.ask([item], 'wait');
    } catch (error) {
      // The topic or the group was deleted between our judgement and the foreign key's check; now the judgement tells.
      if (error instanceof ConstraintViolation && error.kind === 'foreign_key') {
        return this.ask([item], 'wait');
      }
      throw error;
    }
  }

  private async ask(
    items: readonly Commit[],
    locked: 'wait' | 'skip locked',
  ): Promise<readonly (Answer | Refusal | undefined)[]> {
    const rows = rowsOf(items);
    const states: CommitState[] = [];
    for (const state of await this.writes.commit(this.group, rows, locked)) states[state.place] = state;
    let start = 0;
    return items.map((item) => {
      const own = states.slice(start, (start += item.commits.length));
      return answerOf(item, own);
    });
  }
}

/** When a partition is named twice the last counts. */
function lastOfEach(commits: readonly OffsetCommit[]): readonly OffsetCommit[] {
  if (commits.length < 2) return commits;
  return [...new Map(commits.map((commit) => [`${commit.topic}/${commit.partition}`, commit])).values()];
}

function rowsOf(items: readonly Commit[]): CommitRow[] {
  const rows: CommitRow[] = [];
  for (const [request, { consumerGroup, commits }] of items.entries()) {
    for (const { topic, partition, offset, metadata } of commits) {
      rows.push({
        place: rows.length,
        request,
        consumer_group: consumerGroup,
        topic,
        partition,
        committed: offset,
        metadata,
      });
    }
  }
  return rows;
}

/** Undefined where nothing stands against it and it was not committed all the same. `states`: of its commits, in their order. */
function answerOf(
  { consumerGroup, commits }: Commit,
  states: readonly (CommitState | undefined)[],
): Answer | Refusal | undefined {
  const committed: CommittedOffset[] = [];
  for (const [index, commit] of commits.entries()) {
    const { topic, partition, offset, metadata } = commit;
    const { highWatermark = null, committedAt = null } = states[index] ?? {};
    if (highWatermark === null) return noSuchPartition(topic, partition);
    if (offset > highWatermark) {
      return new Refusal(
        'conflict',
        `offset ${offset} lies beyond the high watermark ${highWatermark} of ${topic}/${partition}`,
        { highWatermark },
      );
    }
    if (committedAt !== null)
      committed.push({ consumerGroup, topic, partition, offset, metadata, committedAt });
  }
  if (committed.length < commits.length) return undefined;
  return committed.sort((a, b) => order(a.topic, b.topic) || a.partition - b.partition);
}

/** Names are of plain letters: their order is the database's. */
function order(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
