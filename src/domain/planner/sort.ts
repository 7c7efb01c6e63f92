/**
 * Sorting in slices. The built-in sort cannot pause, and sorting 100,000 names takes longer than the event loop
 * may stall.
 */
import type { Slices } from './slices.ts';

/** Small enough to sort in one go, large enough that few merges follow. */
const runLength = 1_024;

/** `items` in order, as a new array unless they are in order already, which costs one pass. Stable. */
export function* sortInSlices<T>(
  items: readonly T[],
  compare: (a: T, b: T) => number,
  slices: Slices,
): Generator<void, readonly T[]> {
  if (yield* isSorted(items, compare, slices)) return items;

  let runs: T[][] = [];
  for (let start = 0; start < items.length; start += runLength) {
    const run = items.slice(start, start + runLength).sort(compare);
    runs.push(run);
    if (slices.full(run.length)) yield;
  }
  while (runs.length > 1) {
    const longer: T[][] = [];
    for (let i = 0; i < runs.length; i += 2) {
      longer.push(yield* merge(runs[i] ?? [], runs[i + 1] ?? [], compare, slices));
    }
    runs = longer;
  }
  return runs[0] ?? [];
}

function* isSorted<T>(
  items: readonly T[],
  compare: (a: T, b: T) => number,
  slices: Slices,
): Generator<void, boolean> {
  let previous: T | undefined;
  for (const item of items) {
    if (previous !== undefined && compare(previous, item) > 0) return false;
    previous = item;
    if (slices.full()) yield;
  }
  return true;
}

function* merge<T>(
  left: T[],
  right: T[],
  compare: (a: T, b: T) => number,
  slices: Slices,
): Generator<void, T[]> {
  const merged: T[] = [];
  let fromRight = 0;
  for (const item of left) {
    let next = right[fromRight];
    while (next !== undefined && compare(next, item) < 0) {
      merged.push(next);
      fromRight += 1;
      next = right[fromRight];
      if (slices.full()) yield;
    }
    merged.push(item);
    if (slices.full()) yield;
  }
  for (; fromRight < right.length; fromRight += 1) {
    const next = right[fromRight];
    if (next !== undefined) merged.push(next);
    if (slices.full()) yield;
  }
  return merged;
}

/** Orders by UTF-16 code units: the same on every machine, whatever its locale. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
