// The figures of a run, for people.
import type { Judgement } from './judge.ts';

export function sayJudgement(
  { violations, figures, faults, operations }: Judgement,
  say: (line: string) => void,
): void {
  const table = (title: string, rows: Iterable<readonly [string, number]>): void => {
    say(`\n${title}`);
    for (const [name, value] of rows) say(`  ${String(value).padStart(8)}  ${name}`);
  };
  table(
    'faults',
    [...faults].toSorted(([a], [b]) => a.localeCompare(b)),
  );
  table('operations in the history, by kind', operations);
  table('figures', Object.entries(figures));
  say(
    `\n${violations.length === 0 ? 'ok: the history is linearizable, the logs are whole' : `FAILED: ${violations.length} violations`}`,
  );
  for (const violation of violations.slice(0, 20)) say(`  ${violation}`);
}
