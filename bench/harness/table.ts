// The findings for people: a table per section, times in milliseconds.
import type { Section, TimeRow, Value } from './findings.ts';

const columns = ['way', 'runs', 'min', 'median', 'p90', 'p99', 'max', 'per second', 'µs CPU', ''];

export function sectionText({ title, rows, values, notes }: Section): string {
  const tables = [
    ...(rows.length > 0 ? aligned([['milliseconds', ...columns], ...rows.map(cellsOf)]) : []),
    ...values.map(valueText),
    ...notes,
  ];
  return [`\n${title}`, ...tables.map((line) => `  ${line}`)].join('\n');
}

function cellsOf(row: TimeRow): string[] {
  const { what, way, ms, perSecond, cpuUs } = row;
  const times = [ms.min, ms.median, ms.p90, ms.p99, ms.max].map(timeText);
  return [what, way, String(ms.runs), ...times, numberText(perSecond), numberText(cpuUs), ratioText(row)];
}

/** What is ours beside the driver alone, and where it differs only in what is held, beside the plain one. */
function ratioText({ way, against, perSecond }: TimeRow): string {
  const base = way === 'store' ? 'pg' : way.startsWith('store,') ? 'store' : '';
  const ratio = against[base];
  if (ratio === undefined) return '';
  return perSecond === null
    ? `${ratio.time.toFixed(2)} × the time of ${base}`
    : `${ratio.throughput.toFixed(2)} × the throughput of ${base}`;
}

function valueText({ what, amount, unit }: Value): string {
  return `${what}: ${amountText(amount, unit)}`;
}

export function amountText(amount: number, unit: string): string {
  const size = Math.abs(amount);
  const digits = Number.isInteger(amount) || size >= 1_000 ? 0 : size >= 10 ? 1 : size >= 0.1 ? 2 : 4;
  const number = amount.toLocaleString('en', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  return `${number} ${unit}`.trimEnd();
}

function timeText(ms: number): string {
  if (ms < 0.1) return ms.toFixed(4);
  return ms < 10 ? ms.toFixed(2) : ms.toFixed(0);
}

function numberText(number: number | null): string {
  return number === null ? '' : Math.round(number).toLocaleString('en');
}

/** The first two columns to the left, numbers to the right, the last as it is. */
export function aligned(lines: readonly (readonly string[])[], left: readonly number[] = [0, 1]): string[] {
  const count = Math.max(...lines.map((line) => line.length));
  const widths = Array.from({ length: count }, (_, i) =>
    Math.max(...lines.map((line) => line[i]?.length ?? 0)),
  );
  return lines.map((line) =>
    line
      .map((cell, i) => {
        if (i === count - 1) return cell;
        return left.includes(i) ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0);
      })
      .join('  ')
      .trimEnd(),
  );
}
