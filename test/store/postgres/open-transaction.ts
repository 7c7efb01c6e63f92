// A store whose every operation runs inside one transaction that stays open until the test ends it: the real
// statements, stopped between their last word and the commit.
import { sql } from 'drizzle-orm';
import type { ConnectionOptions } from '../../../src/store/postgres/client.ts';
import { PostgresConnection } from '../../../src/store/postgres/connection.ts';
import { excludeLeaseWrites } from '../../../src/store/postgres/era-database.ts';
import { PostgresFencedWrites } from '../../../src/store/postgres/fenced-writes.ts';
import { PostgresLeaseWrites } from '../../../src/store/postgres/lease-writes.ts';
import { PostgresOffsetWrites } from '../../../src/store/postgres/offset-writes.ts';
import type { SqlDatabase } from '../../../src/store/sql/database.ts';
import type { Dialect } from '../../../src/store/sql/dialect.ts';
import { nothing, statement } from '../../../src/store/sql/statement.ts';
import { sqlStore } from '../../../src/store/sql/store.ts';
import { EraKeeper } from '../../../src/store/era/era-keeper.ts';
import type { MetadataStore } from '../../../src/store/metadata-store.ts';
import type { Mutation } from './mutants.ts';

const begin = statement('begin', () => sql`begin`, nothing);
const commit = statement('commit', () => sql`commit`, nothing);
const rollback = statement('rollback', () => sql`rollback`, nothing);

export interface TransactionOptions extends ConnectionOptions {
  readonly dialect: Dialect;
  readonly group: string;
  readonly mutation: Mutation | undefined;
}

export class OpenTransaction implements AsyncDisposable {
  readonly store: MetadataStore;
  private readonly connection: PostgresConnection;

  private constructor(connection: PostgresConnection, options: TransactionOptions) {
    const { dialect, group, mutation } = options;
    this.connection = connection;
    const bare: SqlDatabase = {
      dialect,
      all: (statement, parameters) => connection.all(statement, parameters),
      transaction: (work) => work(connection),
      refreshStatistics: async () => {},
    };
    const db = mutation?.database(bare) ?? bare;
    const coordination = mutation?.connection(connection) ?? connection;
    this.store = sqlStore(
      {
        name: 'postgres',
        db,
        coordination,
        leaseWrites: new PostgresLeaseWrites(db),
        fencedWrites: new PostgresFencedWrites(db),
        offsetWrites: new PostgresOffsetWrites(db),
        eras: new EraKeeper(db, { excludeLeaseWrites }),
        close: () => connection[Symbol.asyncDispose](),
      },
      group,
    );
  }

  static async begin(options: TransactionOptions): Promise<OpenTransaction> {
    const connection = new PostgresConnection(options.dialect, options);
    await connection.all(begin, {});
    return new OpenTransaction(connection, options);
  }

  async commit(): Promise<void> {
    await this.connection.all(commit, {});
  }

  async rollback(): Promise<void> {
    await this.connection.all(rollback, {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.connection[Symbol.asyncDispose]();
  }
}
