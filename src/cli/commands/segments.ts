// `segments`: what is stored of a partition, and where an offset lies.
import type { Command } from 'commander';
import {
  offsetLocationForm,
  segmentForm,
  type OffsetLocationAnswer,
  type SegmentAnswer,
} from '../answers.ts';
import { parseOffset, parsePartitionRef, type PartitionRef } from '../arguments.ts';
import { addGroup, addListingCommand, addReadingCommand } from '../command.ts';
import type { CliContext } from '../context.ts';
import { readList } from '../listing.ts';
import { presentLooks } from '../looks.ts';
import { listed } from '../present.ts';
import { formatFacts, type Cell, type Column } from '../table.ts';
import { addPruneCommand } from './segments-prune.ts';

const columns: readonly Column<SegmentAnswer>[] = [
  { header: 'BASE-OFFSET', value: ({ baseOffset }) => baseOffset, align: 'right' },
  { header: 'END-OFFSET', value: ({ endOffset }) => endOffset, align: 'right' },
  { header: 'RECORDS', value: ({ recordCount }) => recordCount, align: 'right' },
  { header: 'BYTES', value: ({ sizeBytes }) => sizeBytes, align: 'right' },
  { header: 'EPOCH', value: ({ epoch }) => epoch, align: 'right' },
  { header: 'ID', value: ({ id }) => id },
  { header: 'BUCKET', value: ({ bucket }) => bucket },
  { header: 'KEY', value: ({ key }) => key },
  { header: 'CREATED', value: ({ createdAt }) => createdAt, isWide: true },
];

export function addSegmentsCommands(program: Command, context: CliContext): void {
  const segments = addGroup(program, 'segments', {
    summary: 'List the segments of a partition, find offsets in them, and delete the oldest',
    examples: ['segments list orders/3', 'segments find orders/3 1200'],
  });
  addListingCommand(segments, 'list', {
    summary: 'List the segments of a partition, in offset order',
    examples: ['segments list orders/3', 'segments list orders/3 --from 1200 --limit 10'],
  })
    .argument('<topic/partition>', 'the partition', parsePartitionRef)
    .option('--from <offset>', 'begin with the segment that holds this offset, or the next', parseOffset)
    .action(
      async (ref: PartitionRef, { from, limit }: { from?: number; limit?: number }, command: Command) => {
        const request = {
          path: segmentsPath(ref),
          key: 'segments',
          row: segmentForm,
          query: { from },
          limit,
        };
        const words = { name: ({ id }: SegmentAnswer) => id, whenEmpty: 'no segments' };
        await presentLooks(context, command, async (api) =>
          listed(await readList(api, request), columns, words),
        );
      },
    );

  addReadingCommand(segments, 'find', {
    summary: 'Find the segment that holds an offset',
    details:
      'An offset that no segment holds is an answer too (exit code 0): it lies in a gap, before the start, or at the end.',
    examples: ['segments find orders/3 1200', 'segments find orders/3 1200 -o json | jq -r .segment.key'],
  })
    .argument('<topic/partition>', 'the partition', parsePartitionRef)
    .argument('<offset>', 'the offset', parseOffset)
    .action(async (ref: PartitionRef, offset: number, _options: unknown, command: Command) => {
      const path = [...segmentsPath(ref), 'at', String(offset)];
      await presentLooks(context, command, async (api) => {
        const { value, body } = await api.get(path, offsetLocationForm);
        return {
          body,
          table: () => formatFacts(locationFacts(value)),
          names: () => (value.result === 'found' ? [value.segment.id] : []),
        };
      });
    });
  addPruneCommand(segments, context, { path: segmentsPath, columns });
}

function segmentsPath({ topic, partition }: PartitionRef): string[] {
  return ['v1', 'topics', topic, 'partitions', String(partition), 'segments'];
}

function locationFacts(location: OffsetLocationAnswer): [string, Cell][] {
  const { result } = location;
  if (result === 'found') return [['Result', 'found'], ...segmentFacts(location.segment)];
  if (result === 'gap') return facts('in a gap', 'Next offset', location.next);
  if (result === 'before_start') return facts('before the start', 'Start offset', location.startOffset);
  return facts('at or behind the end', 'High watermark', location.highWatermark);
}

function facts(result: string, label: string, value: number): [string, Cell][] {
  return [
    ['Result', result],
    [label, value],
  ];
}

function segmentFacts(segment: SegmentAnswer): [string, Cell][] {
  return [
    ['Segment', segment.id],
    ['Base offset', segment.baseOffset],
    ['End offset', segment.endOffset],
    ['Records', segment.recordCount],
    ['Bytes', segment.sizeBytes],
    ['Epoch', segment.epoch],
    ['Bucket', segment.bucket],
    ['Key', segment.key],
    ['Created', segment.createdAt],
  ];
}
