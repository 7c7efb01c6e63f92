// What is left of a session, as a bar that shrinks and a number.
import { durationText } from '../model/times.ts';
import { useNow } from '../hooks.ts';

export interface TimeLeftProps {
  /** As read, milliseconds; null without a live session. */
  readonly expiresInMs: number | null;
  /** When that was asked for, by `performance.now()`. */
  readonly askedAtMs: number;
  /** The whole bar, milliseconds. */
  readonly ttlMs: number;
}

export function TimeLeft({ expiresInMs, askedAtMs, ttlMs }: TimeLeftProps) {
  const nowMs = useNow(250);
  if (expiresInMs === null) return <span>–</span>;
  const leftMs = Math.max(0, expiresInMs - (nowMs - askedAtMs));
  const part = ttlMs > 0 ? Math.min(1, leftMs / ttlMs) : 0;
  return (
    <span class={part < 0.35 ? 'time-left is-short' : 'time-left'}>
      <span class="bar" aria-hidden="true">
        <span style={{ transform: `scaleX(${part.toFixed(3)})` }} />
      </span>
      <span class="number">{durationText(leftMs)}</span>
    </span>
  );
}
