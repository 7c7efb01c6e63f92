// Claims about what is stored, against what was sent and acknowledged.
import { sameSegment } from '../../domain/segment.ts';
import type { Check } from './check.ts';
import { type Evidence, partitionText, type PlacedSegment } from '../history.ts';

/** From 0 to the high watermark, each segment begins where the one before it ended. Every partition was read and written. */
export const contiguous: Check = ({ stored, partitions }) => {
  const violations: string[] = [];
  let counted = 0;
  const read = new Map(stored.map((each) => [partitionText(each), each]));
  for (const name of partitions) {
    const text = partitionText(name);
    const partition = read.get(text);
    if (partition === undefined || partition.segments.length === 0) {
      violations.push(`${text}: ${partition === undefined ? 'was not read back' : 'nothing is stored'}`);
      continue;
    }
    let next = 0;
    for (const { id, baseOffset, endOffset } of partition.segments) {
      counted += 1;
      if (baseOffset !== next) {
        const what = baseOffset > next ? 'gap' : 'overlap';
        violations.push(`${text}: ${what}, segment ${id} begins at ${baseOffset} and not at ${next}`);
      }
      next = endOffset + 1;
    }
    if (partition.highWatermark !== next) {
      violations.push(
        `${text}: the high watermark is ${partition.highWatermark}, the segments end before ${next}`,
      );
    }
  }
  return {
    claim: `segments contiguous from offset 0 to the high watermark, in ${partitions.length} partitions`,
    counted,
    violations,
  };
};

/** What an agent acknowledged is there once, in its partition, as it was sent. */
export const acknowledgedAreStored: Check = (evidence) => {
  const stored = storedById(evidence);
  const violations: string[] = [];
  const ids = new Set<string>();
  for (const { segment } of evidence.acknowledged) {
    const found = stored.get(segment.id) ?? [];
    const [only] = found;
    ids.add(segment.id);
    if (only === undefined) violations.push(`${describe(segment)}: acknowledged and not stored`);
    else if (found.length > 1) violations.push(`${describe(segment)}: stored ${found.length} times`);
    else if (!isSame(only, segment)) violations.push(`${describe(segment)}: stored as ${describe(only)}`);
  }
  return {
    claim: 'acknowledged segments stored exactly once, with their offsets and epoch',
    counted: ids.size,
    violations,
  };
};

/** What is stored was sent by one of our brokers, as it is stored. Without an acknowledgement is lawful: its answer was lost. */
export const nothingForeignStored: Check = (evidence) => {
  const sent = new Map(evidence.sent.map((segment) => [segment.id, segment]));
  const violations: string[] = [];
  let counted = 0;
  for (const segment of evidence.stored.flatMap(({ segments }) => segments)) {
    counted += 1;
    const original = sent.get(segment.id);
    if (original === undefined) violations.push(`${describe(segment)}: stored and never sent`);
    else if (!isSame(segment, original))
      violations.push(`${describe(segment)}: sent as ${describe(original)}`);
  }
  return { claim: 'stored segments were all sent, as they are stored', counted, violations };
};

/** A later term writes behind an earlier one, never before it. At least one partition has been through two terms. */
export const epochsNeverDecreaseAlongOffsets: Check = ({ stored }) => {
  const violations: string[] = [];
  let changes = 0;
  for (const { segments } of stored) {
    let before: PlacedSegment | undefined;
    for (const segment of segments) {
      if (before !== undefined && segment.epoch < before.epoch) {
        violations.push(`${describe(segment)}: stands behind epoch ${before.epoch}`);
      }
      if (before !== undefined && segment.epoch !== before.epoch) changes += 1;
      before = segment;
    }
  }
  return {
    claim: 'changes of epoch along the stored offsets, every one of them upwards',
    counted: changes,
    violations,
  };
};

function storedById({ stored }: Evidence): Map<string, PlacedSegment[]> {
  const byId = new Map<string, PlacedSegment[]>();
  for (const segment of stored.flatMap(({ segments }) => segments)) {
    const same = byId.get(segment.id);
    if (same === undefined) byId.set(segment.id, [segment]);
    else same.push(segment);
  }
  return byId;
}

function isSame(a: PlacedSegment, b: PlacedSegment): boolean {
  return sameSegment(a, b) && a.topic === b.topic && a.partition === b.partition && a.epoch === b.epoch;
}

function describe(segment: PlacedSegment): string {
  const { id, epoch, baseOffset, endOffset } = segment;
  return `${partitionText(segment)} ${id} [${baseOffset}, ${endOffset}] epoch ${epoch}`;
}
