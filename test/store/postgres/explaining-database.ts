// A database that has each statement explained before it runs it: what the server did for it, with the plan that a prepared
// statement gets once it has run a few times (generic), or its first times (custom).
import pg from 'pg';
import { valuesOf } from '../../../src/store/postgres/client.ts';
import type { SqlDatabase } from '../../../src/store/sql/database.ts';
import type { Dialect } from '../../../src/store/sql/dialect.ts';
import type { ParameterValues, Statement } from '../../../src/store/sql/statement.ts';

export const planKinds = ['generic', 'custom'] as const;
export type PlanKind = (typeof planKinds)[number];

export interface ExplainingOptions {
  /** Where the rows are; nothing that is explained stays. */
  readonly admin: pg.Client;
  readonly planKind: PlanKind;
  /** Changes a text before it is explained; the statement that then runs is the real one. */
  readonly edit?: (text: string) => string;
}

export class ExplainingDatabase implements SqlDatabase {
  readonly dialect: Dialect;
  private readonly real: SqlDatabase;
  private readonly options: ExplainingOptions;
  private readonly removed = new Map<string, number>();
  private readonly passed = new Map<string, number>();

  constructor(real: SqlDatabase, options: ExplainingOptions) {
    this.dialect = real.dialect;
    this.real = real;
    this.options = options;
  }

  /** By statement, the rows that its joins and filters compared and threw away, summed over its runs. */
  get rowsRemoved(): ReadonlyMap<string, number> {
    return this.removed;
  }

  /** By statement, the rows that the steps of its plans handed on, each step's counted, summed over its runs. */
  get rowsPassed(): ReadonlyMap<string, number> {
    return this.passed;
  }

  async all<P extends ParameterValues, R>(statement: Statement<P, R>, parameters: P): Promise<R[]> {
    await this.explain(statement, parameters);
    return this.real.all(statement, parameters);
  }

  transaction<T>(work: Parameters<SqlDatabase['transaction']>[0]): Promise<T>;
  transaction(work: Parameters<SqlDatabase['transaction']>[0]): Promise<unknown> {
    return this.real.transaction(work);
  }

  async refreshStatistics(): Promise<void> {}

  private async explain<P extends ParameterValues, R>(
    statement: Statement<P, R>,
    parameters: P,
  ): Promise<void> {
    const { admin, planKind, edit = (text) => text } = this.options;
    const compiled = this.dialect.compile(statement.build(this.dialect));
    const literals = valuesOf(compiled, parameters).map(literal).join(', ');
    await admin.query('begin');
    try {
      await admin.query(`set local plan_cache_mode = force_${planKind}_plan`);
      await admin.query(`prepare explained as ${edit(compiled.text)}`);
      const { rows } = await admin.query<Record<string, unknown>>(
        `explain (analyze, timing off, format json) execute explained${literals && `(${literals})`}`,
      );
      this.note(statement.name, JSON.stringify(rows));
    } finally {
      await admin.query('rollback');
      await admin.query('deallocate all');
    }
  }

  /** A count stands for one of its node's loops. */
  private note(name: string, plan: string): void {
    const removed = plan.matchAll(/"Actual Loops":(\d+)[^{}]*?"Rows Removed by (?:Join )?Filter":(\d+)/g);
    add(this.removed, name, removed);
    add(this.passed, name, plan.matchAll(/"Actual Rows":(\d+),"Actual Loops":(\d+)/g));
  }
}

/** Each match is of two numbers, of which the product counts. */
function add(sums: Map<string, number>, name: string, matches: Iterable<RegExpMatchArray>): void {
  const sum = [...matches].reduce((total, [, a, b]) => total + Number(a) * Number(b), 0);
  sums.set(name, (sums.get(name) ?? 0) + sum);
}

function literal(value: unknown): string {
  if (value === null) return 'null';
  return pg.escapeLiteral(Array.isArray(value) ? `{${value.map(element).join(',')}}` : text(value));
}

function element(value: unknown): string {
  return value === null ? 'null' : JSON.stringify(text(value));
}

function text(value: unknown): string {
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  throw new TypeError(`no literal for a ${typeof value}`);
}
