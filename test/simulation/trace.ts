// What happened, for people and for comparing two runs: the last events are kept, all of them are hashed.

interface Entry {
  readonly atMs: number;
  readonly who: string;
  readonly what: string;
}

export class Trace {
  private readonly entries: Entry[] = [];
  private readonly capacity: number;
  private readonly listener: ((line: string) => void) | undefined;
  private count = 0;
  private hashed = 0x811c9dc5;

  /** `listener` hears each line at once. */
  constructor(options: {
    readonly capacity: number;
    readonly listener?: ((line: string) => void) | undefined;
  }) {
    this.capacity = options.capacity;
    this.listener = options.listener;
  }

  add(atMs: number, who: string, what: string): void {
    const entry = { atMs, who, what };
    this.entries[this.count % this.capacity] = entry;
    this.count += 1;
    this.mix(`${atMs}`);
    this.mix(who);
    this.mix(what);
    this.listener?.(line(entry));
  }

  /** Of everything that happened, in order. Two runs of one seed have the same. */
  get hash(): string {
    return `${this.count}-${this.hashed.toString(16)}`;
  }

  /** The last events, oldest first. */
  lines(): readonly string[] {
    const start = this.count % this.capacity;
    const ordered =
      this.count <= this.capacity
        ? this.entries
        : [...this.entries.slice(start), ...this.entries.slice(0, start)];
    return ordered.map(line);
  }

  /** FNV-1a, 32 bits. */
  private mix(text: string): void {
    let hash = this.hashed;
    for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    this.hashed = hash >>> 0;
  }
}

function line({ atMs, who, what }: Entry): string {
  return `${(atMs / 1000).toFixed(4).padStart(10)} s  ${who.padEnd(9)} ${what}`;
}
