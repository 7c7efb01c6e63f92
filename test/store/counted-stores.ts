// Stores whose statements are counted, joined as the opened ones are.
import { randomUUID } from 'node:crypto';
import { beforeAll, onTestFinished } from 'vitest';
import { EraKeeper } from '../../src/store/era/era-keeper.ts';
import type { MetadataStore } from '../../src/store/metadata-store.ts';
import { PostgresDatabase } from '../../src/store/postgres/database.ts';
import { postgresDialect } from '../../src/store/postgres/dialect.ts';
import { PostgresFencedWrites } from '../../src/store/postgres/fenced-writes.ts';
import { PostgresLeaseWrites } from '../../src/store/postgres/lease-writes.ts';
import { PostgresSchema } from '../../src/store/postgres/migrate.ts';
import { PostgresOffsetWrites } from '../../src/store/postgres/offset-writes.ts';
import type { JoiningOptions } from '../../src/store/sql/joining.ts';
import { type SqlBackend, sqlStore } from '../../src/store/sql/store.ts';
import { SqliteDatabase } from '../../src/store/sqlite/database.ts';
import { sqliteDialect } from '../../src/store/sqlite/dialect.ts';
import { SqliteFencedWrites } from '../../src/store/sqlite/fenced-writes.ts';
import { SqliteLeaseWrites } from '../../src/store/sqlite/lease-writes.ts';
import { SqliteSchema } from '../../src/store/sqlite/migrate.ts';
import { SqliteOffsetWrites } from '../../src/store/sqlite/offset-writes.ts';
import { dropSchema, freshSchemaName } from '../support/schema.ts';
import { attemptMs } from './contract/backend.ts';
import { temporaryFile } from './contract/sqlite-backend.ts';
import { CountingDatabase } from './counting-database.ts';

const joining: JoiningOptions = {
  storeName: 'the store',
  atOnce: 2,
  waitAtOnce: 2,
  patienceMs: attemptMs,
  atTurnsEnd: setImmediate,
};

export interface Opened {
  readonly store: MetadataStore;
  readonly db: CountingDatabase;
}

/** Two stores of one database are in groups of their own. */
export type Open = () => Promise<Opened>;

const coordination = (db: CountingDatabase): SqlBackend['coordination'] => ({
  all: (statement, parameters) => db.all(statement, parameters),
  incarnation: 1,
  lockKey: async () => null,
  lockTold() {},
});

export async function openSqlite(): Promise<Opened> {
  const file = temporaryFile();
  await new SqliteSchema(file, attemptMs).migrate();
  const real = new SqliteDatabase(sqliteDialect(), { file, attemptMs });
  const db = new CountingDatabase(real);
  const store = sqlStore(
    {
      name: 'sqlite',
      db,
      coordination: coordination(db),
      leaseWrites: new SqliteLeaseWrites(db),
      fencedWrites: new SqliteFencedWrites(db),
      offsetWrites: new SqliteOffsetWrites(db),
      joining,
      eras: new EraKeeper(db, { excludeLeaseWrites: async () => undefined }),
      close: () => real[Symbol.asyncDispose](),
    },
    'g',
  );
  onTestFinished(() => store[Symbol.asyncDispose]());
  return { store, db };
}

/** To be called where tests are declared. */
export function postgresOpener(url: string): Open {
  const schema = freshSchemaName();
  const connection = { connectionString: url, applicationName: 'joined writes', attemptMs };
  beforeAll(async () => {
    await new PostgresSchema(connection, schema).migrate();
    return () => dropSchema(url, schema);
  });
  return async () => {
    const real = new PostgresDatabase(postgresDialect(schema), { ...connection, poolMax: 4 });
    const db = new CountingDatabase(real);
    const store = sqlStore(
      {
        name: 'postgres',
        db,
        coordination: coordination(db),
        leaseWrites: new PostgresLeaseWrites(db),
        fencedWrites: new PostgresFencedWrites(db),
        offsetWrites: new PostgresOffsetWrites(db),
        joining,
        eras: new EraKeeper(db, { excludeLeaseWrites: async () => undefined }),
        close: () => real[Symbol.asyncDispose](),
      },
      `g-${randomUUID()}`,
    );
    onTestFinished(() => store[Symbol.asyncDispose]());
    return { store, db };
  };
}
