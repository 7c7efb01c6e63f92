// Reads a partition back: which segments there are, from an agent; what is in them, from the object store. Reading needs no lease.
import { decode } from './segment-file.js';

/** @import { Metadata, PartitionName } from 'streamhouse-agent/client' */
/** @import { ObjectStore } from './object-store.js' */

/**
 * Every record from an offset on, in order, up to where the log ended when it was asked.
 *
 * @param {{ readonly metadata: Metadata, readonly objects: ObjectStore }} deps
 * @param {PartitionName} name
 * @param {number} [from]
 * @returns {AsyncGenerator<{ readonly offset: number, readonly epoch: number, readonly record: unknown }, void, undefined>}
 */
export async function* consume({ metadata, objects }, name, from = 0) {
  for await (const { baseOffset, endOffset, epoch, key } of metadata.segments(name, { from })) {
    const records = decode(await objects.get(key));
    if (records.length !== endOffset - baseOffset + 1) {
      throw new Error(
        `${key} has ${records.length} records and should have those from ${baseOffset} to ${endOffset}`,
      );
    }
    for (const [index, record] of records.entries()) {
      if (baseOffset + index >= from) yield { offset: baseOffset + index, epoch, record };
    }
  }
}
