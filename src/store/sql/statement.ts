// A statement as a value: built once per dialect, run many times by name with named parameters.
import type { SQL } from 'drizzle-orm';
import type { CompiledSql, Dialect } from './dialect.ts';

export type Row = Readonly<Record<string, unknown>>;
export type ParameterValue = string | number | null | readonly Readonly<Record<string, unknown>>[];
export type ParameterValues = Readonly<Record<string, ParameterValue>>;

/** For statements without parameters: they are run with `{}`. */
export type NoParameters = Readonly<Record<string, never>>;

export interface Statement<P extends ParameterValues, R> {
  /** Also the prepared statement's name: unique among all statements of the program. */
  readonly name: string;
  readonly build: (dialect: Dialect) => SQL;
  readonly read: (row: Row) => R;
  /** Carries the parameter type only. */
  readonly parameters?: P;
}

export function statement<P extends ParameterValues = NoParameters, R = void>(
  name: string,
  build: (dialect: Dialect) => SQL,
  read: (row: Row) => R,
): Statement<P, R> {
  return { name, build, read };
}

/** For statements whose rows say nothing. */
export function nothing(): void {}

/** Compiles each statement once. */
export class StatementCache {
  private readonly compiled = new Map<string, CompiledSql>();
  private readonly dialect: Dialect;

  constructor(dialect: Dialect) {
    this.dialect = dialect;
  }

  get<P extends ParameterValues, R>(statement: Statement<P, R>): CompiledSql {
    let found = this.compiled.get(statement.name);
    if (!found) {
      found = this.dialect.compile(statement.build(this.dialect), statement.name);
      this.compiled.set(statement.name, found);
    }
    return found;
  }
}
