// A bound in time that a stall of the process does not cut short.
/**
 * Calls `late` after `ms` milliseconds, but not before all has been heard that arrived by then: after a stall of the process timers come first,
 * and an answer that has long been there would be taken for one that is late. Returns the way to forget it.
 */
export function onLate(ms: number, late: () => void): () => void {
  let immediate: NodeJS.Immediate | undefined;
  const timer = setTimeout(() => {
    immediate = setImmediate(late);
  }, ms);
  return () => {
    clearTimeout(timer);
    clearImmediate(immediate);
  };
}
