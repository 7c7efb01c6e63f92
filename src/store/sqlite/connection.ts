// One connection to the database file. The driver works synchronously and never waits for a lock: waiting is our caller's,
// who can do it without blocking the event loop.
import { StoreUnavailable } from '../../domain/refusal.ts';
import Libsql from 'libsql';
import { StoreMisconfigured } from '../../domain/refusal.ts';
import type { ParameterValues, Row, Statement, StatementCache } from '../sql/statement.ts';
import { isBusy } from './errors.ts';
import { type BoundValue, bindValues, readRow } from './values.ts';

type Prepared = ReturnType<Libsql.Database['prepare']>;

export class SqliteConnection implements Disposable {
  readonly file: string;
  private readonly statements: StatementCache;
  private readonly prepared = new Map<string, Prepared>();
  private database: Libsql.Database | undefined;
  private closed = false;

  /** Opens nothing yet. `file` must be absolute: the driver takes other texts for URLs. */
  constructor(file: string, statements: StatementCache) {
    this.file = file;
    this.statements = statements;
  }

  /** Runs commands that give no rows: BEGIN, COMMIT, schema changes. */
  exec(text: string): void {
    this.opened().exec(text);
  }

  all<P extends ParameterValues, R>(statement: Statement<P, R>, parameters: P): R[] {
    const compiled = this.statements.get(statement);
    const values = bindValues(compiled, parameters);
    return this.rows(compiled.text, values).map(statement.read);
  }

  /** Runs one statement by its text to its end: a statement left half-way would keep its snapshot. */
  rows(text: string, values: readonly BoundValue[] = []): Row[] {
    try {
      return this.prepare(text)
        .all([...values])
        .map(readRow);
    } catch (error) {
      // The driver does not reset a statement that met a lock. It counts as running, and what its connection writes later
      // is never committed, without a word: no such connection is used again.
      if (isBusy(error)) this.drop();
      throw error;
    }
  }

  /** Rolls back what is open, if anything is; where even that fails, closing does it. */
  rollback(): void {
    try {
      if (this.database?.inTransaction) this.database.exec('rollback');
    } catch {
      this.drop();
    }
  }

  [Symbol.dispose](): void {
    this.closed = true;
    this.drop();
  }

  private drop(): void {
    this.prepared.clear();
    this.database?.close();
    this.database = undefined;
  }

  private prepare(text: string): Prepared {
    const database = this.opened();
    let found = this.prepared.get(text);
    if (!found) {
      found = database.prepare(text);
      this.prepared.set(text, found);
    }
    return found;
  }

  private opened(): Libsql.Database {
    if (this.closed) {
      throw new StoreUnavailable(`the database file ${this.file} is closed`, { outcomeUnknown: false });
    }
    if (this.database) return this.database;
    const database = new Libsql(this.file, { timeout: 0 });
    try {
      configure(database, this.file);
    } catch (error) {
      database.close();
      throw error;
    }
    this.database = database;
    return database;
  }
}

function configure(database: Libsql.Database, file: string): void {
  database.exec('pragma journal_mode = wal');
  database.exec('pragma synchronous = full');
  database.exec('pragma foreign_keys = on');
  const [mode] = database.prepare('pragma journal_mode').all().map(readRow);
  if (mode?.['journal_mode'] === 'wal') return;
  throw new StoreMisconfigured(
    `the database file ${file} cannot use a write-ahead log; put it on a local disk (network file systems lack the locks)`,
  );
}
