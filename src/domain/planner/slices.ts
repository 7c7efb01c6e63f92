/**
 * Cuts long work into slices. The planner counts units of work as it goes and yields whenever a slice is full,
 * so that its caller can let the event loop breathe; without a clock, so that a plan stays a pure function of
 * its input.
 */

/** One unit is about one look at one partition: with this many, a slice takes a few milliseconds. */
export const sliceSizeDefault = 2_000;

export class Slices {
  readonly #size: number;
  #used = 0;

  /** `size` is in units of work, at least 1. */
  constructor(size: number) {
    if (!Number.isSafeInteger(size) || size < 1) throw new RangeError(`sliceSize must be 1 or more: ${size}`);
    this.#size = size;
  }

  /**
   * Counts `units` more; true when that fills the slice, and then the caller must yield: `if (slices.full())
   * yield;`.
   */
  full(units = 1): boolean {
    this.#used += units;
    if (this.#used < this.#size) return false;
    this.#used = 0;
    return true;
  }
}
