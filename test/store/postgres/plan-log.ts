// A server that tells how it carried out every statement, those inside functions too (auto_explain): what a plan compares and throws away is
// counted in rows, not in time.
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { type PostgresServer, startPostgresServer } from '../../support/postgres-server.ts';
import type { PostgresMajor } from '../../support/postgres-binaries.ts';

/** What a prepared statement gets the first times it runs (custom), or from then on (generic). */
export type PlanKind = 'custom' | 'generic';

const nodeForm = z.object({
  'Node Type': z.string(),
  'Relation Name': z.string().default(''),
  'Actual Rows': z.number(),
  'Actual Loops': z.number(),
  'Rows Removed by Filter': z.number().default(0),
  'Rows Removed by Join Filter': z.number().default(0),
  get Plans() {
    return z.array(nodeForm).default([]);
  },
});

type Node = z.infer<typeof nodeForm>;

const planForm = z.object({ 'Query Text': z.string(), Plan: nodeForm });

export class PlanLog implements AsyncDisposable {
  private readonly server: PostgresServer;
  private mark = 0;

  private constructor(server: PostgresServer) {
    this.server = server;
  }

  static async start(major: PostgresMajor, planKind: PlanKind): Promise<PlanLog> {
    return new PlanLog(
      await startPostgresServer({
        major,
        settings: {
          fsync: 'off',
          autovacuum: 'off',
          plan_cache_mode: `force_${planKind}_plan`,
          session_preload_libraries: 'auto_explain',
          'auto_explain.log_min_duration': 0,
          'auto_explain.log_analyze': 'on',
          'auto_explain.log_timing': 'off',
          'auto_explain.log_format': 'json',
          'auto_explain.log_nested_statements': 'on',
        },
      }),
    );
  }

  get url(): string {
    return this.server.url;
  }

  /** What was carried out before is not looked at. */
  forget(): void {
    this.mark = this.text().length;
  }

  /** How many statements were carried out since, and of those that a step of handled more than `rows` rows, the name and that step. */
  look(rows: number): { readonly statements: number; readonly wasteful: readonly string[] } {
    const plans = [
      ...this.text()
        .slice(this.mark)
        .matchAll(/ plan:\n((?:\t.*\n)+)/g),
    ].map(([, plan]) => planForm.parse(JSON.parse(plan ?? '')));
    const wasteful = plans.flatMap((plan) => {
      const [step] = steps(plan.Plan).filter((node) => handled(node) > rows);
      if (step === undefined) return [];
      return [
        `${nameOf(plan['Query Text'])}: ${step['Node Type']} ${step['Relation Name']}, ${handled(step)} rows`,
      ];
    });
    return { statements: plans.length, wasteful };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
  }

  private text(): string {
    return readFileSync(this.server.logFile, 'utf8');
  }
}

/** Statements begin with theirs. */
function nameOf(text: string): string {
  return /^\/\* (\w+) \*\//.exec(text)?.[1] ?? text;
}

function steps(node: Node): Node[] {
  return [node, ...node.Plans.flatMap(steps)];
}

/** Rows that the step handed on or threw away; a count stands for one of its loops. */
function handled(node: Node): number {
  return (
    (node['Actual Rows'] + node['Rows Removed by Filter'] + node['Rows Removed by Join Filter']) *
    node['Actual Loops']
  );
}
