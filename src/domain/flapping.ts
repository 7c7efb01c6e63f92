// Agents that crash again and again. What moves to one of them moves away again a moment later, twice without a leader; so it waits
// the longer the more often it crashed, while others lead.

/** Crashes before this are forgotten, milliseconds. */
export const flapWindowMs = 600_000;

/** One crash is bad luck. */
const crashesFree = 1;
const factorMax = 16;

/** How long until it is given partitions again, milliseconds; 0: now. `returnDelayMs`: how long it waits after its second crash. */
export function settlesInMs(
  { aliveForMs, crashes }: { readonly aliveForMs: number; readonly crashes: number },
  returnDelayMs: number,
): number {
  if (crashes <= crashesFree) return 0;
  const delayMs = returnDelayMs * Math.min(2 ** (crashes - crashesFree - 1), factorMax);
  return Math.max(0, delayMs - aliveForMs);
}
