// Commits of offsets that come together go to the database together, each whole or not at all, and each with its own answer.
import { Refusal } from '../../domain/refusal.ts';
import type { Joining } from '../../platform/joining.ts';
import type { CommittedOffset, OffsetCommit } from '../consumer-groups.ts';
import { ConstraintViolation } from './database.ts';
import type { StoreJoining } from './joining.ts';
import type { Commit, CommitRow, CommitState, OffsetWrites, Patience } from './offset-writes.ts';
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
      // The later one wins, as it would behind the other.
      sharesKeys: true,
      together: (items) => this.ask(items, 'hurry'),
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
    if (answer === undefined) throw new Error('a commit was not answered');
    return answer;
  }

  private async askInTurn(item: Commit): Promise<readonly (Answer | Refusal)[]> {
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

  private async ask(items: readonly Commit[], patience: Patience): Promise<readonly (Answer | Refusal)[]> {
    const rows = rowsOf(items);
    const states: CommitState[] = [];
    for (const state of await this.writes.commit(this.group, rows, patience)) states[state.place] = state;
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

/** `states`: of its rows, in their order. */
function answerOf(
  { consumerGroup, commits }: Commit,
  states: readonly (CommitState | undefined)[],
): Answer | Refusal {
  // All of them first: of a commit that is refused nothing is committed.
  for (const [index, commit] of commits.entries()) {
    const refusal = refusalOf(commit, states[index]);
    if (refusal !== undefined) return refusal;
  }
  const committed = commits.map((commit, index): CommittedOffset => {
    const { committedAt = null } = states[index] ?? {};
    if (committedAt === null) throw new Error('an offset was neither refused nor committed');
    const { topic, partition, offset, metadata } = commit;
    return { consumerGroup, topic, partition, offset, metadata, committedAt };
  });
  return committed.sort((a, b) => order(a.topic, b.topic) || a.partition - b.partition);
}

function refusalOf(
  { topic, partition, offset }: OffsetCommit,
  state: CommitState | undefined,
): Refusal | undefined {
  const highWatermark = state?.highWatermark ?? null;
  if (highWatermark === null) return noSuchPartition(topic, partition);
  if (offset <= highWatermark) return undefined;
  return new Refusal(
    'conflict',
    `offset ${offset} lies beyond the high watermark ${highWatermark} of ${topic}/${partition}`,
    { highWatermark },
  );
}

/** Names are of plain letters: their order is the database's. */
function order(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
