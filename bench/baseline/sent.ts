// What the store sends to PostgreSQL, heard at the driver while the store works: name, text and values of each statement. The baselines
// send the same with other values, through pg alone or pgbench: no copy of any SQL stands in the benches.
import pg from 'pg';

/** Values that stand for others: what was heard, by what is to be sent instead. */
export type Instead = ReadonlyMap<unknown, unknown>;

const asItWas: readonly Instead[] = [new Map()];

/** A statement as it went to the driver; a command such as `begin` has neither name nor values. */
export class Sent {
  /** The prepared statement's. */
  readonly name: string | undefined;
  readonly text: string;
  readonly values: readonly unknown[];

  constructor(name: string | undefined, text: string, values: readonly unknown[]) {
    this.name = name;
    this.text = text;
    this.values = values;
  }

  /** To be sent for each of `rows` at once: sets of rows are arrays, one for each column, which take them all. */
  for(rows: readonly Instead[] = asItWas): { name?: string; text: string; values: unknown[] } {
    const [first = new Map<unknown, unknown>()] = rows;
    const values = this.values.map((value) =>
      Array.isArray(value)
        ? rows.flatMap((instead) => value.map((each: unknown) => replaced(each, instead)))
        : replaced(value, first),
    );
    return { text: this.text, values, ...(this.name !== undefined && { name: this.name }) };
  }
}

/** Everything that this process sends through pg while `work` runs, which it does for real. */
export async function sentBy(work: () => Promise<unknown>): Promise<readonly Sent[]> {
  const sent: Sent[] = [];
  const query: unknown = Reflect.get(pg.Client.prototype, 'query');
  if (typeof query !== 'function') throw new Error('pg is asked in another way');
  const listening = function (this: pg.Client, ...given: readonly unknown[]): unknown {
    sent.push(sentOf(given));
    return Reflect.apply(query, this, given);
  };
  Reflect.set(pg.Client.prototype, 'query', listening);
  try {
    await work();
  } finally {
    Reflect.set(pg.Client.prototype, 'query', query);
  }
  return sent;
}

/**
 * The only one of this name. By its name, not by what it says: a write that was joined with others has another one, and is no baseline of
 * one write.
 */
export function only(sent: readonly Sent[], name: string): Sent {
  const [found, ...others] = sent.filter((each) => each.name === name);
  if (found === undefined || others.length > 0) {
    throw new Error(`of ${sent.map(({ name, text }) => name ?? text).join('; ')} not one alone is ${name}`);
  }
  return found;
}

function sentOf([asked, given]: readonly unknown[]): Sent {
  if (typeof asked === 'string') return new Sent(undefined, asked, Array.isArray(given) ? given : []);
  if (typeof asked !== 'object' || asked === null) throw new TypeError('pg was asked nothing');
  const name: unknown = Reflect.get(asked, 'name');
  const values: unknown = Reflect.get(asked, 'values');
  return new Sent(
    typeof name === 'string' ? name : undefined,
    String(Reflect.get(asked, 'text')),
    Array.isArray(values) ? values : [],
  );
}

function replaced(value: unknown, instead: Instead): unknown {
  return instead.has(value) ? instead.get(value) : value;
}
