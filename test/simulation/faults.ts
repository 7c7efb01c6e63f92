// What may go wrong in a simulation, and how often it did.

export function noFaults() {
  return {
    'request lost': 0,
    'reply lost': 0,
    'request late': 0,
    'store refusing': 0,
    'store hanging': 0,
    'store writes failing': 0,
    'store restarted': 0,
    'link cut': 0,
    'server half cut': 0,
    'agent killed': 0,
    'agent paused': 0,
    'agent stopped': 0,
    'machine suspended': 0,
    'wall clock jumped': 0,
    'database clock jumped': 0,
    'signal lost': 0,
    'signal delayed': 0,
    'signal doubled': 0,
    'topic deleted': 0,
    'topic created': 0,
    'partitions added': 0,
    'agent drained': 0,
    'move asked': 0,
    'release asked': 0,
    'session end asked': 0,
    'balancing paused': 0,
    'broker late': 0,
    'broker silent': 0,
    'broker killed': 0,
    'stale write': 0,
  };
}

export type FaultCounts = ReturnType<typeof noFaults>;
export type FaultKind = keyof FaultCounts;

export const faultKinds: readonly FaultKind[] = keysOf(noFaults());

function keysOf<T extends object>(counts: T): (keyof T)[] {
  const keys: (keyof T)[] = [];
  for (const key in counts) keys.push(key);
  return keys;
}
