// What people read: plain lines, each with the seconds since the start, and small tables.
import type { CheckResult } from './checks/check.ts';
import type { Lease } from './history.ts';

export class Report {
  private readonly write: (text: string) => void;
  private readonly sinceStartMs: () => number;

  constructor(write: (text: string) => void, sinceStartMs: () => number) {
    this.write = write;
    this.sinceStartMs = sinceStartMs;
  }

  /** Something that happens now. */
  line(text: string): void {
    this.write(`${(this.sinceStartMs() / 1_000).toFixed(1).padStart(5)} s  ${text}\n`);
  }

  /** More about the line before. */
  detail(text: string): void {
    this.write(`${indent}${text}\n`);
  }

  plain(text: string): void {
    this.write(`${text}\n`);
  }

  /** Agent × number of partitions, by topic. */
  leaders(leases: readonly Lease[], agentIds: readonly string[], topics: readonly string[]): void {
    const count = (agentId: string, topic?: string): string =>
      String(
        leases.filter((lease) => lease.agentId === agentId && (topic === undefined || lease.topic === topic))
          .length,
      );
    const rows = agentIds.map((id) => [id, ...topics.map((topic) => count(id, topic)), count(id)]);
    for (const line of table([['agent', ...topics, 'all'], ...rows])) this.detail(line);
  }

  /** Answers whether all passed. */
  verdict(results: readonly CheckResult[]): boolean {
    const failed = results.filter(({ violations }) => violations.length > 0);
    const width = Math.max(...results.map(({ counted }) => number(counted).length));
    for (const { claim, counted, violations } of results) {
      const mark = violations.length === 0 ? 'ok    ' : 'FAILED';
      this.detail(`${mark}  ${number(counted).padStart(width)} ${claim}`);
    }
    for (const { claim, violations } of failed) {
      this.plain('');
      this.plain(`${number(violations.length)} violations of: ${claim}`);
      for (const violation of violations.slice(0, violationsShownMax)) this.plain(`  ${violation}`);
      if (violations.length > violationsShownMax) this.plain('  …');
    }
    this.plain('');
    this.plain(
      failed.length === 0
        ? `demo: all ${results.length} checks passed`
        : `demo: ${failed.length} of ${results.length} checks FAILED`,
    );
    return failed.length === 0;
  }
}

const indent = ' '.repeat(9);
const violationsShownMax = 10;

export function number(value: number): string {
  return value.toLocaleString('en-US');
}

export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`;
}

/** First column left, numbers right. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((text, column) => {
        const width = widths[column] ?? 0;
        return column === 0 ? text.padEnd(width) : text.padStart(width);
      })
      .join('   '),
  );
}
