// Durations as people write and read them: `500ms`, `7.5s`, `7d`. Milliseconds inside.
import { InvalidArgumentError } from 'commander';

const unitsMs = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000 } as const;

/** The longest that Node's timers can wait. */
const timerMaxMs = 2 ** 31 - 1;

/** Exact, never rounded: what is shown is what is stored. `-` in front when negative. */
export function formatDuration(ms: number): string {
  if (ms < 0) return `-${formatDuration(-ms)}`;
  if (ms < unitsMs.s) return `${ms}ms`;
  const days = Math.floor(ms / unitsMs.d);
  const hours = Math.floor((ms % unitsMs.d) / unitsMs.h);
  const minutes = Math.floor((ms % unitsMs.h) / unitsMs.m);
  const seconds = (ms % unitsMs.m) / unitsMs.s;
  const parts = [
    [days, 'd'],
    [hours, 'h'],
    [minutes, 'm'],
    [seconds, 's'],
  ] as const;
  return parts.map(([count, unit]) => (count === 0 ? '' : `${count}${unit}`)).join('');
}

/**
 * Parses a wait such as `500ms`, `10s` or `2m`. A bare number is refused: the settings count milliseconds, kubectl and
 * curl seconds, and whoever guesses wrong waits a thousand times too long.
 */
export function parseTimeout(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  if (match === null) throw new InvalidArgumentError('It needs a number and a unit: 500ms, 10s or 2m.');
  const [, number, unit] = match;
  const ms = Math.round(Number(number) * (unit === 's' || unit === 'm' || unit === 'h' ? unitsMs[unit] : 1));
  if (ms < 1 || ms > timerMaxMs) throw new InvalidArgumentError('It must be between 1ms and 596h.');
  return ms;
}
