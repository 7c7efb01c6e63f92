// The database of a simulation: this project's own SQL and migrations on an SQLite in memory, and a clock that the simulation
// moves. One per thread for all its seeds: each leaves it as it found it.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Libsql from 'libsql';
import { sql } from 'drizzle-orm';
import type { SqlRunner } from '../../src/store/sql/database.ts';
import type { CompiledSql, Dialect } from '../../src/store/sql/dialect.ts';
import { readMigrations } from '../../src/store/sql/migrations.ts';
import {
  type ParameterValues,
  type Row,
  type Statement,
  StatementCache,
} from '../../src/store/sql/statement.ts';
import { sqliteDialect } from '../../src/store/sqlite/dialect.ts';
import { translateError } from '../../src/store/sqlite/errors.ts';
import { mayWrite } from '../../src/store/sqlite/writes.ts';
import { bindValues, type BoundValue, readRow } from '../../src/store/sqlite/values.ts';

/** What the schema fills in where a statement names no time. */
const realTime = /\(cast\(round\(unixepoch\('subsec'\) \* 1000\) as integer\)\)/gi;

/** In place of the database's clock, statements have a parameter. */
const nowParameter = 'simulatedNow';

/** Statements that find a row by its key: asking the driver for one row costs it half as much as for all. */
const ofOneRow: ReadonlySet<string> = new Set([
  'heartbeat',
  'select_generation',
  'select_lease',
  'select_partition',
]);

/** A statement, and what it does. */
interface Known {
  readonly compiled: CompiledSql;
  readonly isInsert: boolean;
  readonly isWrite: boolean;
}

export class Database implements SqlRunner {
  readonly dialect: Dialect = {
    ...sqliteDialect(),
    now: sql`${sql.placeholder(nowParameter)}`,
    heldLocks: sql`(select key from simulated_locks)`,
  };
  private clockMs: () => number = () => 0;
  /** What the schema's defaults go by. */
  private toldMs: number | undefined;
  private onCommit: (statements: readonly string[]) => void = () => undefined;
  /** What the transaction under way has written so far; undefined outside of one. */
  private written: string[] | undefined;
  private readonly sqlite = new Libsql(':memory:');
  private readonly statements = new StatementCache(this.dialect);
  private readonly kinds = new Map<string, Known>();
  private readonly prepared = new Map<string, ReturnType<Libsql.Database['prepare']>>();

  constructor() {
    const migrations = readMigrations(join(projectRoot(), 'drizzle/sqlite'));
    for (const text of migrations.flatMap(({ statements }) => statements)) {
      this.sqlite.exec(text.replaceAll(realTime, '0'));
    }
    this.sqlite.exec('create table simulated_locks (key integer primary key)');
    this.sqlite.exec('create table simulated_clock (ms integer not null)');
    this.sqlite.exec('insert into simulated_clock values (0)');
    this.sqlite.exec('pragma foreign_keys = on');
    this.fillInTimes();
  }

  /**
   * Everything from here on is undone by `end`. `clockMs`: its clock, milliseconds since 1970. `onCommit` hears the names of the
   * statements that wrote, when they are committed.
   */
  begin(clockMs: () => number, onCommit: (statements: readonly string[]) => void): void {
    this.clockMs = clockMs;
    this.onCommit = onCommit;
    this.toldMs = undefined;
    this.sqlite.exec('begin');
  }

  end(): void {
    this.sqlite.exec('rollback');
  }

  /** An advisory lock, taken by a connection. */
  takeLock(key: number): void {
    this.rows('insert into simulated_locks values (?)', [BigInt(key)]);
  }

  dropLock(key: number): void {
    this.rows('delete from simulated_locks where key = ?', [BigInt(key)]);
  }

  /** Async by its port alone: it has happened when the call returns. */
  async all<P extends ParameterValues, R>(statement: Statement<P, R>, parameters: P): Promise<R[]> {
    return this.run(statement, parameters);
  }

  run<P extends ParameterValues, R>(statement: Statement<P, R>, parameters: P): R[] {
    const { compiled, isInsert, isWrite } = this.known(statement);
    const nowMs = Math.round(this.clockMs());
    if (isInsert && nowMs !== this.toldMs) {
      this.toldMs = nowMs;
      this.rows('update simulated_clock set ms = ?', [BigInt(nowMs)]);
    }
    const values = bindValues(compiled, { ...parameters, [nowParameter]: nowMs });
    const found = ofOneRow.has(statement.name)
      ? this.firstRow(compiled.text, values)
      : this.rows(compiled.text, values);
    const rows = found.map(statement.read);
    if (isWrite) {
      if (this.written === undefined) this.onCommit([statement.name]);
      else this.written.push(statement.name);
    }
    return rows;
  }

  writes<P extends ParameterValues, R>(statement: Statement<P, R>): boolean {
    return this.known(statement).isWrite;
  }

  /** Nothing else reaches the database until it settles: it waits for nothing but itself. */
  async transaction<T>(work: (tx: SqlRunner) => Promise<T>): Promise<T> {
    if (this.written !== undefined) throw new Error('two transactions at one moment');
    const written: string[] = [];
    this.written = written;
    this.sqlite.exec('savepoint work');
    try {
      const result = await work(this);
      this.sqlite.exec('release work');
      this.written = undefined;
      if (written.length > 0) this.onCommit(written);
      return result;
    } catch (error) {
      if (this.written !== undefined) this.sqlite.exec('rollback to work; release work');
      this.toldMs = undefined;
      this.written = undefined;
      throw error;
    }
  }

  rows(text: string, values: readonly BoundValue[] = []): Row[] {
    try {
      return this.prepare(text)
        .all([...values])
        .map(readRow);
    } catch (error) {
      throw translateError(error, 'in memory');
    }
  }

  firstRow(text: string, values: readonly BoundValue[] = []): Row[] {
    try {
      const row = this.prepare(text).get([...values]);
      return row === undefined ? [] : [readRow(row)];
    } catch (error) {
      throw translateError(error, 'in memory');
    }
  }

  private known<P extends ParameterValues, R>(statement: Statement<P, R>): Known {
    let found = this.kinds.get(statement.name);
    if (found === undefined) {
      const compiled = this.statements.get(statement);
      found = { compiled, isInsert: inserts(compiled), isWrite: mayWrite(compiled) };
      this.kinds.set(statement.name, found);
    }
    return found;
  }

  private prepare(text: string): ReturnType<Libsql.Database['prepare']> {
    let found = this.prepared.get(text);
    if (found === undefined) {
      found = this.sqlite.prepare(text);
      this.prepared.set(text, found);
    }
    return found;
  }

  /** The schema's defaults, from the simulated clock. */
  private fillInTimes(): void {
    const tables = this.rows(`select m.name as name,
        group_concat(c.name || ' = (select ms from simulated_clock)') filter (where c.pk = 0) as times,
        group_concat(c.name || ' = new.' || c.name, ' and ') filter (where c.pk > 0) as same
      from sqlite_schema m join pragma_table_info(m.name) c
      where m.type = 'table' and (c.pk > 0
        or c.name in ('registered_at', 'last_heartbeat_at', 'created_at', 'assigned_at') and c.dflt_value is not null)
      group by m.name having times is not null`);
    for (const { name, times, same } of tables) {
      this.sqlite.exec(`create trigger simulated_time_of_${String(name)} after insert on ${String(name)} begin
        update ${String(name)} set ${String(times)} where ${String(same)}; end`);
    }
  }
}

function inserts({ text }: CompiledSql): boolean {
  return /^\s*insert\b/i.test(text);
}

/** Where the migrations are, whether or not this was compiled to another place. */
function projectRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'drizzle'))) folder = dirname(folder);
  return folder;
}
