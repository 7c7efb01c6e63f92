// What may go wrong in a simulation, and how often it did.

export const faultKinds = [
  'request lost',
  'reply lost',
  'request late',
  'store refusing',
  'store hanging',
  'store writes failing',
  'store restarted',
  'link cut',
  'agent killed',
  'agent paused',
  'agent stopped',
  'machine suspended',
  'wall clock jumped',
  'database clock jumped',
  'signal lost',
  'signal delayed',
  'signal doubled',
  'topic deleted',
  'topic created',
  'partitions added',
  'agent drained',
  'move asked',
  'release asked',
  'session end asked',
  'balancing paused',
  'broker late',
  'broker silent',
  'broker killed',
  'stale write',
] as const;

export type FaultKind = (typeof faultKinds)[number];
export type FaultCounts = Record<FaultKind, number>;

export function noFaults(): FaultCounts {
  const counts: Partial<FaultCounts> = {};
  for (const kind of faultKinds) counts[kind] = 0;
  return counts as FaultCounts;
}
