// The ANALYZE of tables that have grown: one at a time, and one more for whatever was asked for meanwhile, so that any number of large
// topics made one after the other costs a connection at most.
import type { TableName } from '../sql/dialect.ts';

export class Statistics implements AsyncDisposable {
  private readonly analyze: (tables: readonly TableName[]) => Promise<unknown>;
  private readonly wanted = new Set<TableName>();
  private running: Promise<void> | undefined;
  private closed = false;

  /** What `analyze` fails with is nobody's concern: autovacuum does it later. */
  constructor(analyze: (tables: readonly TableName[]) => Promise<unknown>) {
    this.analyze = analyze;
  }

  /** Resolves when nothing is to be analyzed any more. */
  async refresh(tables: readonly TableName[]): Promise<void> {
    if (this.closed) return;
    for (const table of tables) this.wanted.add(table);
    this.running ??= this.run();
    await this.running;
  }

  /** What has begun is waited for. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.closed = true;
    this.wanted.clear();
    await this.running;
  }

  private async run(): Promise<void> {
    while (this.wanted.size > 0) {
      const tables = [...this.wanted].sort();
      this.wanted.clear();
      await this.analyze(tables).catch(() => undefined);
    }
    this.running = undefined;
  }
}
