// An SQLite file as source or target of a copy: rows read by key, and written in sets that travel as one JSON text.
import { existsSync, realpathSync } from 'node:fs';
import { StoreMisconfigured } from '../../domain/refusal.ts';
import type {
  ColumnKind,
  CopyDatabase,
  CopyRow,
  CopyRunner,
  CopyTable,
  CopyValue,
  Selection,
} from '../copy/copy-database.ts';
import { batchQuery, batchValues, rowsOf } from '../copy/read-batch.ts';
import type { SchemaAdmin } from '../schema-admin.ts';
import { readNumber, readText } from '../sql/read.ts';
import { type ParameterValues, type Row, type Statement, StatementCache } from '../sql/statement.ts';
import { SqliteConnection } from './connection.ts';
import { sqliteDialect } from './dialect.ts';
import { translateError } from './errors.ts';
import { SqliteSchema } from './migrate.ts';
import type { BoundValue } from './values.ts';
import { patience, whenUnlocked } from './waiting.ts';

export interface SqliteCopyOptions {
  /** Absolute path. */
  readonly file: string;
  /** Bound of one operation's waiting for locks, milliseconds. */
  readonly attemptMs: number;
  readonly readOnly: boolean;
}

export async function openSqliteForCopy(options: SqliteCopyOptions): Promise<CopyDatabase> {
  return new SqliteCopyDatabase(options);
}

class SqliteCopyDatabase implements CopyDatabase {
  readonly backend = 'sqlite';
  readonly schema: SchemaAdmin;
  private readonly options: SqliteCopyOptions;
  private current: SqliteConnection | undefined;

  constructor(options: SqliteCopyOptions) {
    this.options = options;
    this.schema = new SqliteSchema(options.file, options.attemptMs);
  }

  async query(text: string, values: CopyRow = []): Promise<Row[]> {
    return this.outside((connection) => connection.rows(numbered(text), values.map(bound)));
  }

  async all<P extends ParameterValues, R>(statement: Statement<P, R>, parameters: P): Promise<R[]> {
    return this.outside((connection) => connection.all(statement, parameters));
  }

  /** By path; the first migration's time sets a file that was made anew apart. */
  async identity(): Promise<string> {
    const [made] = await this.query('select cast(min(applied_at) as text) as since from schema_migrations');
    if (made === undefined) throw new Error('a store without migrations');
    return `sqlite ${realpathSync(this.options.file)} ${readText(made, 'since')}`;
  }

  async tables(): Promise<readonly CopyTable[]> {
    const names = await this.query(
      `select name from sqlite_schema where type = 'table' and name not like 'sqlite!_%' escape '!' order by name`,
    );
    return Promise.all(names.map(async (row) => this.describe(readText(row, 'name'))));
  }

  table(name: string): string {
    return `"${name.replaceAll('"', '""')}"`;
  }

  async read(
    table: CopyTable,
    after: CopyRow | undefined,
    limit: number,
    selection: Selection,
  ): Promise<CopyRow[]> {
    const text = batchQuery(table, after, {
      quote: (name) => this.table(name),
      from: this.table(table.name),
      selected: ({ name, kind }) => {
        const expression = selection(name, (other) => this.table(other));
        return kind === 'time' ? `(${expression}) * 1000` : expression;
      },
    });
    return rowsOf(table, await this.query(text, batchValues(after, limit)));
  }

  async transaction<T>(work: (tx: CopyRunner) => Promise<T>): Promise<T> {
    const connection = this.connection();
    const { file, attemptMs } = this.options;
    const inside: CopyRunner = {
      query: async (text, values = []) => connection.rows(numbered(text), values.map(bound)),
      all: async (statement, parameters) => connection.all(statement, parameters),
    };
    try {
      await whenUnlocked(patience(file, attemptMs), () => connection.exec('begin immediate'));
      try {
        const result = await work(inside);
        connection.exec('commit');
        return result;
      } catch (error) {
        connection.rollback();
        throw error;
      }
    } catch (error) {
      throw translateError(error, file);
    }
  }

  async insert(tx: CopyRunner, table: CopyTable, rows: readonly CopyRow[]): Promise<void> {
    const names = table.columns.map(({ name }) => this.table(name));
    const values = table.columns.map(({ kind }, index) => writeAs(kind, `value ->> ${index}`));
    await tx.query(
      `insert into ${this.table(table.name)} (${names.join(', ')}) select ${values.join(', ')} from json_each($1)`,
      [JSON.stringify(rows)],
    );
  }

  async empty(tx: CopyRunner, tables: readonly CopyTable[]): Promise<void> {
    const triggers = await tx.query(`select name, sql from sqlite_schema where type = 'trigger'`);
    for (const row of triggers) await tx.query(`drop trigger ${this.table(readText(row, 'name'))}`);
    for (const { name } of tables.toReversed()) await tx.query(`delete from ${this.table(name)}`);
    for (const row of triggers) await tx.query(readText(row, 'sql'));
  }

  /** SQLite has heard of the ids that were inserted. */
  async continueIds(): Promise<void> {}

  /** The first migration has told the planner what to expect. */
  async analyze(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {
    this.current?.[Symbol.dispose]();
  }

  private async describe(name: string): Promise<CopyTable> {
    const columns = await this.query('select name, type, pk from pragma_table_info($1)', [name]);
    const refers = await this.query(
      `select distinct "table" as name from pragma_foreign_key_list($1) where "table" <> $1`,
      [name],
    );
    const key = columns
      .filter((row) => readNumber(row, 'pk') > 0)
      .sort((a, b) => readNumber(a, 'pk') - readNumber(b, 'pk'));
    return {
      name,
      columns: columns.map((row) => ({
        name: readText(row, 'name'),
        kind: 'stored',
        type: readText(row, 'type'),
      })),
      key: key.map((row) => readText(row, 'name')),
      refersTo: refers.map((row) => readText(row, 'name')),
    };
  }

  private async outside<T>(work: (connection: SqliteConnection) => T): Promise<T> {
    const { file, attemptMs } = this.options;
    try {
      return await whenUnlocked(patience(file, attemptMs), () => work(this.connection()));
    } catch (error) {
      throw translateError(error, file);
    }
  }

  /** Made at the first use: the target's file may not be there before it is migrated. */
  private connection(): SqliteConnection {
    if (this.current !== undefined) return this.current;
    const { file, readOnly } = this.options;
    if (!existsSync(file)) {
      throw new StoreMisconfigured(`there is no database file ${file}; check the path`);
    }
    const connection = new SqliteConnection(file, new StatementCache(sqliteDialect()));
    if (readOnly) connection.exec('pragma query_only = on');
    this.current = connection;
    return connection;
  }
}

/** SQLite takes `$2` for a name and counts it by where it stands first; `?2` is the second value. */
function numbered(text: string): string {
  return text.replace(/\$(\d+)/g, '?$1');
}

/** As an integer: the driver binds numbers as floating point. */
function bound(value: CopyValue): BoundValue {
  return typeof value === 'number' ? BigInt(value) : value;
}

function writeAs(kind: ColumnKind, value: string): string {
  // Times travel in microseconds; the file keeps milliseconds.
  return kind === 'time' ? `(${value}) / 1000` : value;
}
