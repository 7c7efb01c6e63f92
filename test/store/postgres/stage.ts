// What a scenario plays on: a schema of its own, stores and open transactions by name, and the view from outside
// that tells who waits for a lock.
import { Client, type QueryResultRow } from 'pg';
import { EraKeeper } from '../../../src/store/era/era-keeper.ts';
import type { MetadataStore } from '../../../src/store/metadata-store.ts';
import { PostgresConnection } from '../../../src/store/postgres/connection.ts';
import { PostgresDatabase } from '../../../src/store/postgres/database.ts';
import { postgresDialect } from '../../../src/store/postgres/dialect.ts';
import { excludeLeaseWrites } from '../../../src/store/postgres/era-database.ts';
import { PostgresFencedWrites } from '../../../src/store/postgres/fenced-writes.ts';
import { PostgresLeaseWrites } from '../../../src/store/postgres/lease-writes.ts';
import { PostgresOffsetWrites } from '../../../src/store/postgres/offset-writes.ts';
import { PostgresSchema } from '../../../src/store/postgres/migrate.ts';
import { openPostgresStore, type PostgresOptions } from '../../../src/store/postgres/open.ts';
import { sqlStore } from '../../../src/store/sql/store.ts';
import { eventually } from '../../support/eventually.ts';
import { dropSchema, freshSchemaName } from '../../support/schema.ts';
import { type Mutant, Mutation } from './mutants.ts';
import { OpenTransaction } from './open-transaction.ts';

const group = 'g';
/** Far above what any step takes: a mutant's hold-up is seen in pg_locks, not by running into a time-out. */
const attemptMs = 20_000;
const pollMs = 5;

export interface StoreOptions {
  /** Default: `g`. */
  readonly group?: string;
  readonly poolMax?: number;
  /** When not straight to the server. */
  readonly url?: string;
  /** Crash detection: what hears of a lost connection. Default: none, and no lock is taken. */
  readonly onConnectionLost?: () => void;
}

export class Stage implements AsyncDisposable {
  readonly url: string;
  readonly schema: string;
  private readonly admin: Client;
  private readonly mutation: Mutation | undefined;
  private readonly opened: AsyncDisposable[] = [];

  private constructor(url: string, schema: string, mutant: Mutant | undefined) {
    this.url = url;
    this.schema = schema;
    this.mutation = mutant && new Mutation(mutant, schema);
    this.admin = new Client({ connectionString: url, options: `-c search_path=${schema}` });
    this.admin.on('error', () => undefined); // rejects the query as well
  }

  /** With a mutant, every store and transaction on the stage is that mutant. */
  static async open(url: string, mutant?: Mutant): Promise<Stage> {
    const schema = freshSchemaName();
    const stage = new Stage(url, schema, mutant);
    await new PostgresSchema(stage.connection('migrate'), schema).migrate();
    await stage.admin.connect();
    if (mutant?.ddl !== undefined) await stage.query(mutant.ddl);
    return stage;
  }

  /** A store with a pool and a coordination connection of its own; `name` is what `waits` and `fate` know it by. */
  async store(name: string, options: StoreOptions = {}): Promise<MetadataStore> {
    const { poolMax = 4, onConnectionLost } = options;
    const connection = { ...this.connection(name, options.url), poolMax, onConnectionLost };
    const inGroup = options.group ?? group;
    const store = this.mutation
      ? this.mutantStore(connection, this.mutation, inGroup)
      : await openPostgresStore({
          ...connection,
          directConnectionString: connection.connectionString,
          schema: this.schema,
          group: inGroup,
          migrate: false,
        });
    this.opened.push(store);
    return store;
  }

  /** A store inside a transaction that stays open. */
  async begin(name: string): Promise<OpenTransaction> {
    const dialect = postgresDialect(this.schema);
    const transaction = await OpenTransaction.begin({
      ...this.connection(name),
      dialect: this.mutation?.dialect(dialect) ?? dialect,
      group,
      mutation: this.mutation,
    });
    this.opened.push(transaction);
    return transaction;
  }

  /** Runs SQL of the test's own, with the stage's schema as search path. */
  async query<R extends QueryResultRow>(text: string, values: readonly unknown[] = []): Promise<R[]> {
    return (await this.admin.query<R>(text, [...values])).rows;
  }

  /** The one number that the query answers. */
  async number(text: string, values: readonly unknown[] = []): Promise<number> {
    const [row] = (await this.admin.query<unknown[]>({ text, values: [...values], rowMode: 'array' })).rows;
    return Number(row?.[0]);
  }

  /** Resolves when the pending operation of `name` waits for a lock, on `count` connections. Fails when it is answered. */
  async waits(name: string, pending: Promise<unknown>, count = 1): Promise<void> {
    if ((await this.fate(name, pending, count)) === 'waits') return;
    await pending;
    throw new Error(`${name} was answered without waiting`);
  }

  /**
   * Whether the pending operation of `name` is answered or comes to wait for a lock, whichever is seen first. `asking`: only what waits in a
   * statement with these words counts, where others wait beside it.
   */
  async fate(name: string, pending: Promise<unknown>, count = 1, asking = ''): Promise<'answered' | 'waits'> {
    let answered = false;
    const settled = (): void => {
      answered = true;
    };
    pending.then(settled, settled);
    return eventually(
      async () => {
        if (answered) return 'answered';
        return (await this.waiting(name, asking)) >= count && 'waits';
      },
      { everyMs: pollMs, what: `${name} to be answered or to wait` },
    );
  }

  /** Throws when the mutant on stage has not shown itself. */
  assertMutated(): void {
    this.mutation?.assertComplete();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const each of this.opened.toReversed()) await each[Symbol.asyncDispose]();
    await this.admin.end();
    await dropSchema(this.url, this.schema);
  }

  applicationName(name: string): string {
    return `${this.schema} ${name}`;
  }

  private async waiting(name: string, asking: string): Promise<number> {
    // Inside a transaction of the scenario's, who is connected and asks what stays as it was at the first look.
    await this.query('select pg_stat_clear_snapshot()');
    return this.number(
      `select count(distinct l.pid) from pg_locks l join pg_stat_activity a on a.pid = l.pid
        where a.application_name = $1 and not l.granted and l.locktype in ('transactionid', 'tuple', 'advisory')
          and strpos(a.query, $2) > 0`,
      [this.applicationName(name), asking],
    );
  }

  private connection(name: string, url = this.url) {
    return { connectionString: url, applicationName: this.applicationName(name), attemptMs };
  }

  /** As `openPostgresStore` puts it together, from mutated parts. */
  private mutantStore(
    connection: ReturnType<Stage['connection']> & Pick<PostgresOptions, 'poolMax' | 'onConnectionLost'>,
    mutation: Mutation,
    inGroup: string,
  ): MetadataStore {
    const dialect = mutation.dialect(postgresDialect(this.schema));
    const pool = new PostgresDatabase(dialect, connection);
    const direct = new PostgresConnection(dialect, {
      ...connection,
      onLockLost: connection.onConnectionLost,
    });
    const db = mutation.database(pool);
    return sqlStore(
      {
        name: 'postgres',
        db,
        coordination: mutation.connection(direct),
        leaseWrites: new PostgresLeaseWrites(db),
        fencedWrites: new PostgresFencedWrites(db),
        offsetWrites: new PostgresOffsetWrites(db),
        eras: new EraKeeper(db, { excludeLeaseWrites }),
        async close() {
          await direct[Symbol.asyncDispose]();
          await pool[Symbol.asyncDispose]();
        },
      },
      inGroup,
    );
  }
}
