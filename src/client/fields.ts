// Reads JSON that came from outside, field by field: what is missing or of another kind fails with its name, and fields that are
// new are ignored, so that client and agent may differ by a version.
import { NotAnAgents } from './errors.ts';

export class Fields {
  private readonly values: Readonly<Record<string, unknown>>;
  private readonly what: string;

  /** `what`: named in errors. Throws NotAnAgents when `body` is not an object. */
  constructor(body: unknown, what: string) {
    if (!isObject(body)) throw new NotAnAgents(`${what} is not a JSON object`);
    this.values = body;
    this.what = what;
  }

  static parse(json: string, what: string): Fields {
    try {
      return new Fields(JSON.parse(json), what);
    } catch (error) {
      if (error instanceof NotAnAgents) throw error;
      throw new NotAnAgents(`${what} is not JSON`, { cause: error });
    }
  }

  text(name: string): string {
    return this.optionalText(name) ?? this.fail(name, 'a text');
  }

  textOrNull(name: string): string | null {
    return this.isNull(name) ? null : this.text(name);
  }

  optionalText(name: string): string | undefined {
    const value = this.values[name];
    return typeof value === 'string' ? value : undefined;
  }

  /** Epochs, offsets, counts: 0 to 2⁵³−1. */
  whole(name: string): number {
    return this.optionalWhole(name) ?? this.fail(name, 'a whole number');
  }

  wholeOrNull(name: string): number | null {
    return this.isNull(name) ? null : this.whole(name);
  }

  optionalWhole(name: string): number | undefined {
    const value = this.values[name];
    return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
  }

  /** Durations, milliseconds: not below 0. */
  durationMs(name: string): number {
    const value = this.values[name];
    return typeof value === 'number' && value >= 0 ? value : this.fail(name, 'a duration');
  }

  optionalFlag(name: string): boolean | undefined {
    const value = this.values[name];
    return typeof value === 'boolean' ? value : undefined;
  }

  /** Null, or not said at all. */
  isNull(name: string): boolean {
    return this.values[name] === null || this.values[name] === undefined;
  }

  part(name: string): Fields {
    return new Fields(this.values[name], `${name} in ${this.what}`);
  }

  list(name: string): Fields[] {
    const value = this.values[name];
    if (!Array.isArray(value)) return this.fail(name, 'a list');
    return value.map((item: unknown) => new Fields(item, `an item of ${name} in ${this.what}`));
  }

  private fail(name: string, wanted: string): never {
    throw new NotAnAgents(
      `${name} in ${this.what} is not ${wanted}; is another program there, or an agent of another version?`,
    );
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
