// `segments prune`: takes the oldest segments out of the store, and answers which, so that their objects can be deleted too.
import type { Command } from 'commander';
import { removedSegmentsForm, type SegmentAnswer, segmentForm } from '../answers.ts';
import { type Api, connect } from '../api.ts';
import { parseOffset, parsePartitionRef, type PartitionRef } from '../arguments.ts';
import { addSteeringCommand } from '../command.ts';
import { type DeletingOptions, mayDelete } from '../confirmation.ts';
import type { CliContext } from '../context.ts';
import { readList } from '../listing.ts';
import { counted } from '../load-tables.ts';
import { listed, present } from '../present.ts';
import { Progress } from '../progress.ts';
import type { Column } from '../table.ts';

/** So many are counted for the question. */
const countedMax = 10_000;

interface PruneOptions extends DeletingOptions {
  readonly before: number;
}

export function addPruneCommand(
  segments: Command,
  context: CliContext,
  { path, columns }: { path: (ref: PartitionRef) => string[]; columns: readonly Column<SegmentAnswer>[] },
): void {
  addSteeringCommand(segments, 'prune', {
    summary: 'Delete the oldest segments of a partition from the store, and tell which',
    details:
      'Whole segments that end before the offset. Their objects stay in the object store: delete those that are answered. The high ' +
      'watermark stays. Interrupted, the same command goes on; what was removed until then is not told again.',
    examples: [
      'segments prune orders/3 --before 1200 --dry-run',
      'segments prune orders/3 --before 1200 --yes -o json | jq -r ".removed[].key"',
    ],
  })
    .argument('<topic/partition>', 'the partition', parsePartitionRef)
    .requiredOption('--before <offset>', 'the first offset that is kept', parseOffset)
    .action(async (ref: PartitionRef, options: PruneOptions, command: Command) => {
      const api = connect(context, command);
      const describe = () => describePruning(api, path(ref), ref, options.before);
      if (!(await mayDelete(context, command, options, describe))) return;
      const removed = await prune(context, api, path(ref), options.before);
      const rows = removed.map((segment) => api.understand(segmentForm, segment));
      const listing = { rows, body: { removed }, hasMore: false };
      const words = { name: ({ id }: SegmentAnswer) => id, whenEmpty: 'there was nothing to delete' };
      await present(context, command, listed(listing, columns, words));
    });
}

async function describePruning(
  api: Api,
  path: readonly string[],
  { topic, partition }: PartitionRef,
  before: number,
): Promise<string> {
  const { rows } = await readList(api, { path, key: 'segments', row: segmentForm, limit: countedMax });
  const count = rows.filter(({ endOffset }) => endOffset < before).length;
  const words = `${count === countedMax ? 'at least ' : ''}${counted(count, 'segment', 'segments')}`;
  return `delete ${words} of ${topic}/${partition} that end before offset ${before}`;
}

/** The agent deletes a bounded number at a time. */
async function prune(
  context: CliContext,
  api: Api,
  path: readonly string[],
  before: number,
): Promise<unknown[]> {
  await using progress = new Progress(context);
  const removed: unknown[] = [];
  for (;;) {
    const { value } = await api.call({ method: 'DELETE', path, query: { before } }, removedSegmentsForm);
    removed.push(...value.removed);
    if (value.more !== true || value.removed.length === 0) return removed;
    await progress.tell(`${counted(removed.length, 'segment', 'segments')} deleted`);
  }
}
