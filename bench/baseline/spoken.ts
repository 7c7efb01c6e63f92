// What the store says to PostgreSQL, learnt from the store itself while it works: each statement's text and parameters as it runs them.
// The baselines say the same with other values, through pg alone or pgbench: no copy of any SQL stands in the benches.
import { EraKeeper } from '../../src/store/era/era-keeper.ts';
import type { MetadataStore } from '../../src/store/metadata-store.ts';
import { valuesOf } from '../../src/store/postgres/client.ts';
import { PostgresConnection } from '../../src/store/postgres/connection.ts';
import { PostgresDatabase } from '../../src/store/postgres/database.ts';
import { postgresDialect } from '../../src/store/postgres/dialect.ts';
import { excludeLeaseWrites } from '../../src/store/postgres/era-database.ts';
import { PostgresFencedWrites } from '../../src/store/postgres/fenced-writes.ts';
import { PostgresLeaseWrites } from '../../src/store/postgres/lease-writes.ts';
import type { SqlConnection, SqlDatabase, SqlRunner } from '../../src/store/sql/database.ts';
import type { CompiledSql, Dialect } from '../../src/store/sql/dialect.ts';
import { type ParameterValues, type Statement } from '../../src/store/sql/statement.ts';
import { sqlStore } from '../../src/store/sql/store.ts';
import { connectionOf, group } from '../stage/postgres.ts';

/** A statement as it was run, or a command such as `begin`, which has no name. */
export class Spoken {
  /** The prepared statement's name. */
  readonly name: string | undefined;
  readonly text: string;
  private readonly compiled: CompiledSql;
  private readonly parameters: ParameterValues;

  constructor(name: string | undefined, compiled: CompiledSql, parameters: ParameterValues) {
    this.name = name;
    this.text = compiled.text;
    this.compiled = compiled;
    this.parameters = parameters;
  }

  /** What pg is to be asked; `other` are the parameters that are not as they were. */
  with(other: ParameterValues = {}): { name?: string; text: string; values?: unknown[] } {
    if (this.name === undefined) return { text: this.text };
    const values = valuesOf(this.compiled, { ...this.parameters, ...other });
    return { name: this.name, text: this.text, values };
  }
}

/** What `work` has the store say. It runs for real: what it does is done. */
export async function spokenBy(
  url: string,
  schema: string,
  work: (store: MetadataStore) => Promise<unknown>,
): Promise<readonly Spoken[]> {
  const options = connectionOf(url, schema);
  const dialect = postgresDialect(schema);
  const real = new PostgresDatabase(dialect, options);
  const connection = new PostgresConnection(dialect, options);
  const spoken: Spoken[] = [];
  const db = new Listening(real, spoken);
  const store = sqlStore(
    {
      name: 'postgres',
      db,
      coordination: listening(connection, dialect, spoken),
      leaseWrites: new PostgresLeaseWrites(db),
      fencedWrites: new PostgresFencedWrites(db),
      eras: new EraKeeper(real, { excludeLeaseWrites }),
      async close() {
        await connection[Symbol.asyncDispose]();
        await real[Symbol.asyncDispose]();
      },
    },
    group,
  );
  try {
    await work(store);
  } finally {
    await store[Symbol.asyncDispose]();
  }
  return spoken;
}

/** The one statement of that name. */
export function named(spoken: readonly Spoken[], name: string): Spoken {
  const found = spoken.filter((each) => each.name === name);
  const [only] = found;
  if (only === undefined || found.length > 1) {
    throw new Error(`"${name}" was said ${found.length} times, of ${spoken.map((each) => each.name).join()}`);
  }
  return only;
}

class Listening implements SqlDatabase {
  readonly dialect: Dialect;
  private readonly real: SqlDatabase;
  private readonly spoken: Spoken[];

  constructor(real: SqlDatabase, spoken: Spoken[]) {
    this.real = real;
    this.dialect = real.dialect;
    this.spoken = spoken;
  }

  async all<P extends ParameterValues, R>(statement: Statement<P, R>, parameters: P): Promise<R[]> {
    this.spoken.push(heard(this.dialect, statement, parameters));
    return this.real.all(statement, parameters);
  }

  async transaction<T>(work: (tx: SqlRunner) => Promise<T>): Promise<T> {
    return this.real.transaction(async (tx) => {
      this.spoken.push(command('begin'));
      const result = await work({
        all: (statement, parameters) => {
          this.spoken.push(heard(this.dialect, statement, parameters));
          return tx.all(statement, parameters);
        },
      });
      this.spoken.push(command('commit'));
      return result;
    });
  }

  async refreshStatistics(): Promise<void> {}
}

function listening(real: PostgresConnection, dialect: Dialect, spoken: Spoken[]): SqlConnection {
  return {
    get incarnation() {
      return real.incarnation;
    },
    lockKey: () => real.lockKey(),
    lockTold: (lockKey) => real.lockTold(lockKey),
    all: (statement, parameters) => {
      spoken.push(heard(dialect, statement, parameters));
      return real.all(statement, parameters);
    },
  };
}

function heard<P extends ParameterValues, R>(
  dialect: Dialect,
  statement: Statement<P, R>,
  parameters: P,
): Spoken {
  return new Spoken(statement.name, dialect.compile(statement.build(dialect)), parameters);
}

function command(text: string): Spoken {
  return new Spoken(undefined, { text, parameters: [] }, {});
}
