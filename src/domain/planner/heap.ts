/** A binary heap whose items can be re-ranked or taken out from anywhere: each remembers where it stands. */

/** An item is in at most one heap at a time. */
export interface HeapItem {
  /** Kept by the heap that the item is in; meaningless outside of one. */
  heapIndex: number;
}

export class Heap<T extends HeapItem> {
  readonly #items: T[] = [];
  readonly #compare: (a: T, b: T) => number;

  /** The item that `compare` puts before all others is on top; it must never call two items equal. */
  constructor(compare: (a: T, b: T) => number, items: Iterable<T> = []) {
    this.#compare = compare;
    for (const item of items) this.add(item);
  }

  get top(): T | undefined {
    return this.#items[0];
  }

  has(item: T): boolean {
    return this.#items[item.heapIndex] === item;
  }

  add(item: T): void {
    this.#items.push(item);
    this.#rise(item, this.#items.length - 1);
  }

  remove(item: T): void {
    if (!this.has(item)) return;
    const last = this.#items.pop();
    if (last === undefined || last === item) return;
    this.#put(last, item.heapIndex);
    this.rerank(last);
  }

  /**
   * To be called as soon as something that `compare` looks at has changed for `item`, before it changes for
   * another one: with two items out of place neither would find its own.
   */
  rerank(item: T): void {
    if (!this.has(item)) return;
    this.#rise(item, item.heapIndex);
    this.#sink(item, item.heapIndex);
  }

  #rise(item: T, from: number): void {
    let index = from;
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = this.#items[above];
      if (parent === undefined || this.#compare(item, parent) > 0) break;
      this.#put(parent, index);
      index = above;
    }
    this.#put(item, index);
  }

  #sink(item: T, from: number): void {
    let index = from;
    for (;;) {
      let below = 2 * index + 1;
      let child = this.#items[below];
      const sibling = this.#items[below + 1];
      if (child === undefined) break;
      if (sibling !== undefined && this.#compare(sibling, child) < 0) {
        child = sibling;
        below += 1;
      }
      if (this.#compare(item, child) < 0) break;
      this.#put(child, index);
      index = below;
    }
    this.#put(item, index);
  }

  #put(item: T, index: number): void {
    this.#items[index] = item;
    item.heapIndex = index;
  }
}
