// Times and names as `top` writes them: short, and as wide as before when they change.
import type { ClusterLook } from './model.ts';

/** What is left now of what was left when it was asked for: `7.4s`. */
export function countdownText(
  leftMs: number | null | undefined,
  { askedAtMs }: Pick<ClusterLook, 'askedAtMs'>,
  nowMs: number,
): string | undefined {
  if (leftMs === null || leftMs === undefined) return undefined;
  const nowLeftMs = leftMs - (nowMs - askedAtMs);
  return nowLeftMs <= 0 ? 'expired' : ageText(nowLeftMs);
}

/** `7.4s`, `3m`, `5h`, `2d`; nothing negative: clocks differ. */
export function ageText(ms: number | undefined): string | undefined {
  if (ms === undefined || Number.isNaN(ms)) return undefined;
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 100) return `${seconds.toFixed(1)}s`;
  if (seconds < 6000) return `${Math.floor(seconds / 60)}m`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`;
}

/** The time of day, UTC: `12:00:01`. */
export function clockText(wallMs: number): string {
  return new Date(wallMs).toISOString().slice(11, 19);
}

/** The end of a name tells more than its beginning: `…orders-by-customer/3`. */
export function shortened(text: string, widthMax: number): string {
  const characters = Array.from(text);
  return characters.length <= widthMax ? text : `…${characters.slice(1 - widthMax).join('')}`;
}
