// The goals with what a run says of each, as a table in Markdown: docs/performance.md holds one as it was printed.
import type { Goal, Verdict } from '../goals.ts';
import { amountText } from './table.ts';

export function verdictsText(verdicts: readonly Verdict[]): string {
  const rows = verdicts.map((verdict) => [verdict.what, boundText(verdict), ...saidOf(verdict)]);
  const lines = [['goal', 'bound', 'measured, the worst figure', ''], ['---', '---', '---', '---'], ...rows];
  return ['', ...lines.map((cells) => `| ${cells.join(' | ')} |`), ''].join('\n');
}

export function boundText({ bound, unit }: Pick<Goal, 'bound' | 'unit'>): string {
  return 'atLeast' in bound ? `≥ ${amountText(bound.atLeast, unit)}` : `≤ ${amountText(bound.atMost, unit)}`;
}

function saidOf({ measured, reached, unit, why }: Verdict): [measured: string, verdict: string] {
  if (measured === null) return [why ?? '', '–'];
  return [amountText(measured, unit), reached === true ? 'reached' : '**missed**'];
}
