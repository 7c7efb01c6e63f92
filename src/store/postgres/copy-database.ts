// PostgreSQL as source or target of a copy: one connection, rows read by key and written in arrays, a column each.
import pg from 'pg';
import type {
  ColumnKind,
  CopyColumn,
  CopyDatabase,
  CopyRow,
  CopyRunner,
  CopyTable,
  Selection,
} from '../copy/copy-database.ts';
import { batchQuery, batchValues, rowsOf } from '../copy/read-batch.ts';
import type { SchemaAdmin } from '../schema-admin.ts';
import { readText, readTextList } from '../sql/read.ts';
import { type ParameterValues, type Row, type Statement, StatementCache } from '../sql/statement.ts';
import {
  type BoundedClient,
  commandBounded,
  type ConnectionOptions,
  queryBounded,
  runBounded,
} from './client.ts';
import { connectWritable } from './connect.ts';
import { postgresDialect } from './dialect.ts';
import { translateError } from './errors.ts';
import { PostgresSchema } from './migrate.ts';

const kinds: Readonly<Record<string, ColumnKind>> = {
  integer: 'integer',
  bigint: 'integer',
  text: 'text',
  uuid: 'text',
  'timestamp with time zone': 'time',
  jsonb: 'json',
  boolean: 'boolean',
};

export interface PostgresCopyOptions extends ConnectionOptions {
  readonly schema: string;
  readonly readOnly: boolean;
}

export async function openPostgresForCopy(options: PostgresCopyOptions): Promise<CopyDatabase> {
  const { attemptMs } = options;
  // A source may have been made read-only, so that nobody writes to it any more.
  const connection = { ...options, mayOnlyRead: options.readOnly };
  const { client } = await connectWritable(connection);
  try {
    const mode = options.readOnly ? 'read only' : 'read write';
    await queryBounded(client, `set session characteristics as transaction ${mode}`, [], attemptMs);
  } catch (error) {
    client.cut();
    throw translateError(error);
  }
  return new PostgresCopyDatabase(client, connection);
}

class PostgresCopyDatabase implements CopyDatabase {
  readonly backend = 'postgres';
  readonly schema: SchemaAdmin;
  private readonly client: BoundedClient;
  private readonly options: PostgresCopyOptions;
  private readonly statements: StatementCache;

  constructor(client: BoundedClient, options: PostgresCopyOptions) {
    this.client = client;
    this.options = options;
    this.schema = new PostgresSchema(options, options.schema);
    this.statements = new StatementCache(postgresDialect(options.schema));
  }

  async query(text: string, values: CopyRow = []): Promise<Row[]> {
    return this.send(text, values);
  }

  async all<P extends ParameterValues, R>(statement: Statement<P, R>, parameters: P): Promise<R[]> {
    try {
      const compiled = this.statements.get(statement);
      const { attemptMs } = this.options;
      const rows = await runBounded(this.client, statement.name, compiled, parameters, attemptMs);
      return rows.map(statement.read);
    } catch (error) {
      throw translateError(error);
    }
  }

  /** By server, database and schema, where the server tells who it is; the first migration's time sets a re-made one apart. */
  async identity(): Promise<string> {
    const server = await this.query(
      'select system_identifier::text as server from pg_control_system()',
    ).catch(() => [{ server: `${this.client.host}:${this.client.port}` }]);
    const [made] = await this.query(
      `select current_database() as database, extract(epoch from min(applied_at))::text as since from ${this.table('schema_migrations')}`,
    );
    if (server[0] === undefined || made === undefined) throw new Error('PostgreSQL does not say who it is');
    const { schema } = this.options;
    return [
      'postgres',
      readText(server[0], 'server'),
      readText(made, 'database'),
      schema,
      readText(made, 'since'),
    ].join(' ');
  }

  async tables(): Promise<readonly CopyTable[]> {
    const rows = await this.query(
      `select c.relname as name,
         array(select a.attname || ' ' || format_type(a.atttypid, null) from pg_attribute a
           where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped order by a.attnum) as columns,
         array(select a.attname from pg_constraint k, unnest(k.conkey) with ordinality as u(attnum, place),
           pg_attribute a where k.conrelid = c.oid and k.contype = 'p' and a.attrelid = c.oid and a.attnum = u.attnum
           order by u.place)::text[] as key,
         array(select distinct r.relname from pg_constraint k join pg_class r on r.oid = k.confrelid
           where k.conrelid = c.oid and k.contype = 'f' and r.oid <> c.oid)::text[] as refers_to
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where n.nspname = $1 and c.relkind in ('r', 'p') order by c.relname`,
      [this.options.schema],
    );
    return rows.map((row) => ({
      name: readText(row, 'name'),
      columns: readTextList(row, 'columns').map(columnOf),
      key: readTextList(row, 'key'),
      refersTo: readTextList(row, 'refers_to'),
    }));
  }

  table(name: string): string {
    return `${pg.escapeIdentifier(this.options.schema)}.${pg.escapeIdentifier(name)}`;
  }

  async read(
    table: CopyTable,
    after: CopyRow | undefined,
    limit: number,
    selection: Selection,
  ): Promise<CopyRow[]> {
    const text = batchQuery(table, after, {
      quote: (name) => pg.escapeIdentifier(name),
      from: this.table(table.name),
      selected: (column) =>
        readAs(
          column,
          selection(column.name, (name) => this.table(name)),
        ),
    });
    return rowsOf(table, await this.send(text, batchValues(after, limit)));
  }

  async transaction<T>(work: (tx: CopyRunner) => Promise<T>): Promise<T> {
    const { attemptMs } = this.options;
    try {
      await commandBounded(this.client, 'begin', attemptMs);
      try {
        const result = await work(this);
        await commandBounded(this.client, 'commit', attemptMs);
        return result;
      } catch (error) {
        await commandBounded(this.client, 'rollback', attemptMs).catch(() => this.client.cut());
        throw error;
      }
    } catch (error) {
      throw translateError(error);
    }
  }

  async insert(_tx: CopyRunner, table: CopyTable, rows: readonly CopyRow[]): Promise<void> {
    const arrays = table.columns.map(({ kind }, index) => `$${index + 1}::${arrayOf(kind)}`);
    const written = table.columns.map((column, index) => writeAs(column, `u.c${index}`));
    const names = table.columns.map(({ name }) => pg.escapeIdentifier(name));
    await this.send(
      `insert into ${this.table(table.name)} (${names.join(', ')}) overriding system value
       select ${written.join(', ')}
       from unnest(${arrays.join(', ')}) as u(${table.columns.map((_, index) => `c${index}`).join(', ')})`,
      table.columns.map((_, index) => rows.map((row) => row[index])),
    );
  }

  async empty(tx: CopyRunner, tables: readonly CopyTable[]): Promise<void> {
    const names = tables.map(({ name }) => this.table(name));
    for (const name of names) await tx.query(`alter table ${name} disable trigger user`);
    await tx.query(`truncate ${names.join(', ')}`);
    for (const name of names) await tx.query(`alter table ${name} enable trigger user`);
  }

  async continueIds(tx: CopyRunner, tables: readonly CopyTable[]): Promise<void> {
    const generated = await tx.query(
      `select c.relname as table, a.attname as column from pg_attribute a join pg_class c on c.oid = a.attrelid
         join pg_namespace n on n.oid = c.relnamespace
       where n.nspname = $1 and a.attidentity <> '' and not a.attisdropped`,
      [this.options.schema],
    );
    for (const row of generated) {
      const [name, column] = [readText(row, 'table'), readText(row, 'column')];
      if (!tables.some((table) => table.name === name)) continue;
      const id = pg.escapeIdentifier(column);
      await tx.query(
        `select setval(pg_get_serial_sequence($1, $2), coalesce(max(${id}), 0) + 1, false) from ${this.table(name)}`,
        [this.table(name), column],
      );
    }
  }

  async analyze(): Promise<void> {
    for (const { name } of await this.tables()) await this.send(`analyze ${this.table(name)}`, []);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.cut();
  }

  private async send(text: string, values: readonly unknown[]): Promise<Row[]> {
    try {
      return await queryBounded(this.client, text, values, this.options.attemptMs);
    } catch (error) {
      throw translateError(error);
    }
  }
}

function columnOf(described: string): CopyColumn {
  const space = described.indexOf(' ');
  const [name, type] = [described.slice(0, space), described.slice(space + 1)];
  const kind = kinds[type];
  if (kind === undefined) throw new Error(`the copy knows no columns of type ${type} (${name})`);
  return { name, kind, type };
}

/** Exact: extract() answers a numeric, and microseconds since 1970 stay far below 2^53. */
function readAs({ kind }: CopyColumn, expression: string): string {
  if (kind === 'time') return `(extract(epoch from ${expression}::timestamptz) * 1000000)::bigint`;
  if (kind === 'boolean') return `(${expression})::integer`;
  if (kind === 'integer') return `(${expression})::bigint`;
  return `(${expression})::text`;
}

function arrayOf(kind: ColumnKind): string {
  return kind === 'text' || kind === 'json' ? 'text[]' : 'bigint[]';
}

function writeAs({ kind, type }: CopyColumn, value: string): string {
  if (kind === 'time') return `timestamptz 'epoch' + ${value} * interval '1 microsecond'`;
  if (kind === 'boolean') return `${value} <> 0`;
  return `${value}::${type}`;
}
