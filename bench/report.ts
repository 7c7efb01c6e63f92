// Figures as lines for people: what was measured, how often, and the spread.

export interface Figure {
  readonly what: string;
  readonly ms: readonly number[];
}

export function report(title: string, figures: readonly Figure[]): void {
  const rows = figures.map(({ what, ms }) => {
    const sorted = ms.toSorted((a, b) => a - b);
    const at = (share: number): string => {
      const value = sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
      return value.toFixed(value < 10 ? 2 : 0).padStart(8);
    };
    return `  ${what.padEnd(58)} ${String(ms.length).padStart(4)} ${at(0)} ${at(0.5)} ${at(0.99)} ${at(1)}`;
  });
  const head = `  ${'milliseconds'.padEnd(58)} ${'runs'.padStart(4)} ${'min'.padStart(8)} ${'median'.padStart(8)} ${'p99'.padStart(8)} ${'max'.padStart(8)}`;
  process.stdout.write(`\n${title}\n${head}\n${rows.join('\n')}\n`);
}

export async function timed<T>(work: () => Promise<T>): Promise<{ readonly ms: number; readonly value: T }> {
  const startedMs = performance.now();
  const value = await work();
  return { ms: performance.now() - startedMs, value };
}
