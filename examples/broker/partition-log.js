// Writes the batches of one partition under one term: object first, then the fenced append, then the answer to the producer. One
// batch at a time, so that each knows where the one before it ended.
import { AlreadyExists, OffsetMismatch } from 'streamhouse-agent/client';
import { encode, keyOf } from './segment-file.js';

/** @import { Metadata, Segment, Term } from 'streamhouse-agent/client' */
/** @import { ObjectStore } from './object-store.js' */

/** @typedef {{ readonly id: string, readonly records: readonly unknown[] }} Batch */
/** @typedef {{ readonly baseOffset: number, readonly endOffset: number, readonly epoch: number }} Place */

/** The batch was not written: this log takes no more. */
export class LogClosed extends Error {}

const bucket = 'local';
/** How far back a stored batch is looked for first; a producer's retry comes soon. */
const lookBackOffsets = 1_000;

export class PartitionLog {
  #term;
  #objects;
  #metadata;
  #isClosed = false;
  /** @type {Promise<unknown>} */
  #tail = Promise.resolve();

  /**
   * @param {Term} term
   * @param {{ readonly objects: ObjectStore, readonly metadata: Metadata }} deps
   */
  constructor(term, { objects, metadata }) {
    this.#term = term;
    this.#objects = objects;
    this.#metadata = metadata;
  }

  /**
   * Answers where the batch is stored. A batch whose id is stored already, by an attempt of whichever broker, is not stored again.
   * Throws LogClosed, and as `Term.append` does.
   *
   * @param {Batch} batch
   * @returns {Promise<Place>}
   */
  write(batch) {
    if (this.#isClosed) return Promise.reject(new LogClosed('this partition is being handed over'));
    const written = this.#tail.then(() => this.#write(batch));
    this.#tail = written.catch(() => undefined);
    return written;
  }

  /** Takes nothing new, and resolves when everything taken has its answer. */
  async close() {
    this.#isClosed = true;
    await this.#tail;
  }

  /**
   * @param {Batch} batch
   * @returns {Promise<Place>}
   */
  async #write({ id, records }) {
    const content = encode(records);
    for (;;) {
      const baseOffset = await this.#term.highWatermark();
      const key = keyOf(this.#term, baseOffset, id);
      // Not with a term that ended while this batch waited: the upload would be for nothing.
      this.#term.throwIfOver();
      await this.#objects.put(key, content);
      const endOffset = baseOffset + records.length - 1;
      try {
        const { segments } = await this.#term.append({
          id,
          baseOffset,
          endOffset,
          recordCount: records.length,
          sizeBytes: content.length,
          bucket,
          key,
        });
        return placeOf(segments[0]);
      } catch (error) {
        // Refused, so nobody will ever read this object. After an unknown outcome it stays: somebody may.
        if (error instanceof AlreadyExists || error instanceof OffsetMismatch)
          await this.#objects.remove(key);
        if (error instanceof AlreadyExists) return placeOf(await this.#stored(id));
        // Its high watermark is what the term knows now.
        if (!(error instanceof OffsetMismatch)) throw error;
      }
    }
  }

  /**
   * The segment of that id: near the end of the log, or failing that, anywhere in it.
   *
   * @param {string} id
   */
  async #stored(id) {
    const { highWatermark } = await this.#metadata.partition(this.#term);
    for (const from of [Math.max(0, highWatermark - lookBackOffsets), 0]) {
      for await (const segment of this.#metadata.segments(this.#term, { from })) {
        if (segment.id === id) return segment;
      }
    }
    return undefined;
  }
}

/** @param {Segment | undefined} segment */
function placeOf(segment) {
  if (segment === undefined) throw new Error('the segment is stored and cannot be found');
  const { baseOffset, endOffset, epoch } = segment;
  return { baseOffset, endOffset, epoch };
}
