// Claims about records, from producer to consumer: nothing acknowledged is lost, doubled, moved or out of order, and no write from the
// past got through.
import { partitionText } from '../partition-name.ts';
import type { ProducedRecord, ReadPartition, RecordEvidence } from '../records.ts';
import { type Check, type CheckResult, judge } from './check.ts';

type RecordCheck = Check<RecordEvidence>;

/** Every record that a producer was told of is read once, at the offset it was told. */
const acknowledgedAreReadOnce: RecordCheck = ({ acknowledged, read }) => {
  const places = placesOf(read);
  const violations: string[] = [];
  let counted = 0;
  for (const { batch, baseOffset, endOffset } of acknowledged) {
    const name = partitionText(batch);
    if (endOffset - baseOffset + 1 !== batch.records.length) {
      violations.push(
        `${name}: batch ${batch.id} of ${batch.records.length} was told ${baseOffset} to ${endOffset}`,
      );
    }
    for (const [index, record] of batch.records.entries()) {
      counted += 1;
      const found = places.get(recordText(name, record)) ?? [];
      const told = baseOffset + index;
      if (found.length === 1 && found[0] === told) continue;
      const where = found.length === 0 ? 'is not there' : `was read at ${found.join(' and ')}`;
      violations.push(`${recordText(name, record)}: acknowledged at ${told}, ${where}`);
    }
  }
  return {
    claim: 'acknowledged records read back once, each at the offset it was acknowledged with',
    counted,
    violations,
  };
};

/** Without an acknowledgement a record may be there or not: but only as it was sent, where it was sent, and once. */
const readWereSent: RecordCheck = ({ sent, read }) => {
  const known = new Set(
    sent.flatMap((batch) => batch.records.map((record) => recordText(partitionText(batch), record))),
  );
  const violations: string[] = [];
  let counted = 0;
  for (const [text, offsets] of placesOf(read)) {
    counted += offsets.length;
    if (!known.has(text)) violations.push(`${text}: read at ${offsets.join(' and ')}, and never sent there`);
    if (offsets.length > 1)
      violations.push(`${text}: read ${offsets.length} times, at ${offsets.join(' and ')}`);
  }
  return {
    claim: 'records read were all sent, to that partition, and each is there once',
    counted,
    violations,
  };
};

/** What one producer sent to one partition is read in the order it was sent. */
const orderIsKept: RecordCheck = ({ read }) => {
  const violations: string[] = [];
  let counted = 0;
  for (const partition of read) {
    const latest = new Map<string, number>();
    for (const { offset, record } of partition.records) {
      const before = latest.get(record.producer);
      if (before !== undefined) {
        counted += 1;
        if (record.seq <= before) {
          violations.push(
            `${recordText(partitionText(partition), record)} at ${offset} stands behind ${before}`,
          );
        }
      }
      latest.set(record.producer, record.seq);
    }
  }
  return {
    claim: "records behind their producer's one before, all in the order they were sent",
    counted,
    violations,
  };
};

/** Consumers read every offset from 0 on, without a gap and without going back; and every partition was written to. */
const offsetsAreWhole: RecordCheck = ({ partitions, read }) => {
  const violations: string[] = [];
  let counted = 0;
  const readOf = new Map(read.map((each) => [partitionText(each), each]));
  for (const name of partitions.map(partitionText)) {
    const records = readOf.get(name)?.records ?? [];
    if (records.length === 0) violations.push(`${name}: nothing was read`);
    for (const [expected, { offset }] of records.entries()) {
      counted += 1;
      if (offset !== expected)
        violations.push(`${name}: offset ${offset} was read where ${expected} should be`);
    }
  }
  return { claim: `records at contiguous offsets, in ${partitions.length} partitions`, counted, violations };
};

/** A later term writes behind an earlier one, and every object was uploaded under the term that its segment was appended under. */
const termsWriteInTurn: RecordCheck = ({ read }) => {
  const violations: string[] = [];
  let counted = 0;
  for (const partition of read) {
    let before = -1;
    for (const { epoch, key, baseOffset } of partition.segments) {
      counted += 1;
      const name = `${partitionText(partition)}: the segment at ${baseOffset}`;
      if (epoch < before) violations.push(`${name} has epoch ${epoch}, behind epoch ${before}`);
      if (!key.startsWith(`${partitionText(partition)}/${epoch}/`)) {
        violations.push(`${name} has epoch ${epoch}, and its object is ${key}`);
      }
      before = epoch;
    }
  }
  return {
    claim: 'segments in the order of their terms, each object uploaded under its own',
    counted,
    violations,
  };
};

/** From 0 to the high watermark, each segment begins where the one before it ended. */
const segmentsAreWhole: RecordCheck = ({ read }) => {
  const violations: string[] = [];
  let counted = 0;
  for (const partition of read) {
    const name = partitionText(partition);
    let next = 0;
    for (const { id, baseOffset, endOffset } of partition.segments) {
      counted += 1;
      if (baseOffset !== next) {
        const what = baseOffset > next ? 'gap' : 'overlap';
        violations.push(`${name}: ${what}, segment ${id} begins at ${baseOffset} and not at ${next}`);
      }
      next = endOffset + 1;
    }
    if (partition.highWatermark !== next) {
      violations.push(
        `${name}: the high watermark is ${partition.highWatermark}, the segments end before ${next}`,
      );
    }
  }
  return { claim: 'segments contiguous from offset 0 to the high watermark', counted, violations };
};

/** A write under an epoch that is over is refused as such, with the epoch that was current meanwhile, and is not stored. */
const zombiesAreFenced: RecordCheck = ({ zombies, read }) => {
  const stored = new Set(read.flatMap(({ segments }) => segments.map(({ id }) => id)));
  const violations = zombies.flatMap((zombie) => {
    const { id, epoch, through, status, code, toldEpoch, epochBefore, epochAfter } = zombie;
    const name = `${partitionText(zombie)}: an append under epoch ${epoch} through ${through}`;
    const found: string[] = [];
    if (epoch >= epochBefore) found.push(`${name}: that epoch was not over`);
    if (status !== 409 || code !== 'fenced') found.push(`${name} was answered ${status} ${code ?? ''}`);
    else if (toldEpoch === undefined || toldEpoch < epochBefore || toldEpoch > epochAfter) {
      found.push(
        `${name} was told epoch ${toldEpoch}, which was ${epochBefore} before and ${epochAfter} after`,
      );
    }
    if (stored.has(id)) found.push(`${name} is stored all the same`);
    return found;
  });
  return {
    claim: 'appends under epochs that were over, all refused with the current one',
    counted: zombies.length,
    violations,
  };
};

/** Counted: the batches that were sent, since each of them could have had such an answer. */
const noSurprises: RecordCheck = ({ sent, surprises }) => ({
  claim: 'batches sent, no answer that cannot be explained',
  counted: sent.length,
  violations: surprises,
});

const recordChecks: readonly RecordCheck[] = [
  acknowledgedAreReadOnce,
  readWereSent,
  orderIsKept,
  offsetsAreWhole,
  segmentsAreWhole,
  termsWriteInTurn,
  zombiesAreFenced,
  noSurprises,
];

export function checkRecords(evidence: RecordEvidence): CheckResult[] {
  return judge(recordChecks, evidence);
}

/** Where each record was read, by partition and record. */
function placesOf(read: readonly ReadPartition[]): Map<string, number[]> {
  const places = new Map<string, number[]>();
  for (const partition of read) {
    for (const { offset, record } of partition.records) {
      const text = recordText(partitionText(partition), record);
      const known = places.get(text);
      if (known === undefined) places.set(text, [offset]);
      else known.push(offset);
    }
  }
  return places;
}

function recordText(partition: string, { producer, seq }: ProducedRecord): string {
  return `${partition} ${producer}#${seq}`;
}
