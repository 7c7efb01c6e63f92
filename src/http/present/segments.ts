// Segments and places of offsets in answers.
import type { OffsetLocation, Segment } from '../../domain/segment.ts';
import type { OffsetLocationAnswer, SegmentAnswer } from '../schemas/answers/segments.ts';
import { time } from './times.ts';

export function presentSegment(segment: Segment): SegmentAnswer {
  const { topic, partition, id, epoch, baseOffset, endOffset, recordCount, sizeBytes, bucket, key } = segment;
  const createdAt = time(segment.createdAt);
  return {
    topic,
    partition,
    id,
    epoch,
    baseOffset,
    endOffset,
    recordCount,
    sizeBytes,
    bucket,
    key,
    createdAt,
  };
}

export function presentLocation(location: OffsetLocation): OffsetLocationAnswer {
  return location.result === 'found' ? { ...location, segment: presentSegment(location.segment) } : location;
}
