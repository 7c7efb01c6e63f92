// PostgreSQL for the contract: one schema for all tests of a server, a group of its own for every test.
import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import type { MetadataStore } from '../../../src/store/metadata-store.ts';
import { PostgresSchema } from '../../../src/store/postgres/migrate.ts';
import { openPostgresStore } from '../../../src/store/postgres/open.ts';
import { dropSchema, freshSchemaName } from '../../support/schema.ts';
import { attemptMs, type Backend, type SqlRow, tables } from './backend.ts';

/** To be called where the tests are declared: the schema lives as long as they run. */
export function postgresBackend(url: string): Backend {
  const shared = freshSchemaName();
  let client: Client | undefined;
  const sql = async (text: string): Promise<readonly SqlRow[]> => {
    if (!client) throw new Error('the prompt is open only while tests run');
    return (await client.query<SqlRow>(text)).rows;
  };
  const open = async (schema: string, group: string, migrate = false): Promise<MetadataStore> => {
    const store = await openPostgresStore({ ...connection(url), schema, group, poolMax: 4, migrate });
    onTestFinished(() => store[Symbol.asyncDispose]());
    return store;
  };

  beforeAll(async () => {
    await new PostgresSchema(connection(url), shared).migrate();
    client = await connect(url, shared);
  });
  afterAll(async () => {
    await client?.end();
    await dropSchema(url, shared);
  });

  return {
    name: 'postgres',
    async database() {
      const group = `g-${randomUUID()}`;
      return {
        store: () => open(shared, group),
        storeOf: (other) => open(shared, `${group}.${other}`),
        sql,
        timeIn: (ms) => `(clock_timestamp() + ${ms} * interval '1 millisecond')`,
        async rowsWritten(work) {
          await sql('create table written (name text)');
          await sql(`create function note_written() returns trigger language plpgsql as $$
            begin insert into ${shared}.written values (tg_table_name); return null; end $$`);
          for (const table of tables) {
            await sql(`create trigger note after insert or update or delete on ${table} for each row
              execute function note_written()`);
          }
          await work();
          const rows = await sql('select name from written order by name');
          await sql('drop function note_written cascade');
          await sql('drop table written');
          return rows.map((row) => String(row['name']));
        },
      };
    },
    async emptyDatabase() {
      const schema = freshSchemaName();
      onTestFinished(() => dropSchema(url, schema));
      return {
        open: ({ migrate }) => open(schema, 'g', migrate),
        schema: new PostgresSchema(connection(url), schema),
        async sql(text) {
          const own = await connect(url, schema);
          try {
            return (await own.query<SqlRow>(text)).rows;
          } finally {
            await own.end();
          }
        },
      };
    },
  };
}

function connection(url: string) {
  return {
    connectionString: url,
    directConnectionString: url,
    applicationName: 'contract',
    attemptMs,
  };
}

async function connect(url: string, schema: string): Promise<Client> {
  const client = new Client({ connectionString: url, options: `-c search_path=${schema}` });
  client.on('error', () => undefined); // a server that dies meanwhile rejects the query as well
  await client.connect();
  return client;
}
