// What is asked of spin: each model as it is, in the bounds named here, and each of its mutants.

export interface Question {
  readonly file: string;
  /** What the C preprocessor is told: bounds, and the rule that is taken out. */
  readonly defines: readonly string[];
  /** `holds`: no state breaks an assertion, all of them seen; `breaks`: spin finds one that does. */
  readonly expected: 'holds' | 'breaks';
  /** Part of `npm test`, where seconds count. */
  readonly isQuick?: boolean;
  /** Breadth first: finds the shortest way to what is wrong. Default: depth first. */
  readonly isBroad?: boolean;
  /** Steps that a depth-first search goes down at most; only where something is to be found. */
  readonly depthMax?: number;
}

const holds = (file: string, ...defines: string[]): Question => ({ file, defines, expected: 'holds' });
const breaks = (file: string, ...defines: string[]): Question => ({ file, defines, expected: 'breaks' });

const quick = (question: Question): Question => ({ ...question, isQuick: true });
/** Found within so many steps, where a search without a bound would go astray. */
const within = (depthMax: number, question: Question): Question => ({ ...question, depthMax });
const broadly = (question: Question): Question => ({ ...question, isBroad: true });

const lease = 'lease.pml';
const append = 'append.pml';
const eras = 'eras.pml';
const crash = 'crash.pml';

export const questions: readonly Question[] = [
  quick(holds(append, 'GRANTS=2')),
  holds(append),
  quick(broadly(breaks(append, 'M_NO_FENCE'))),
  broadly(breaks(append, 'M_NO_BUMP')),
  broadly(breaks(append, 'M_ROW_NOT_HELD')),
  broadly(breaks(append, 'M_READ_SEGMENTS')),
  broadly(breaks(append, 'M_END_IN_GRANT')),
  broadly(breaks(append, 'M_FENCE_FIRST')),

  quick(holds(crash)),
  ...['M_NO_LIMIT', 'M_NO_GRACE', 'M_REAP_NO_COMPARE', 'M_SURVIVES_SERVER', 'STALLS'].map((define) =>
    broadly(breaks(crash, define)),
  ),

  quick(holds(eras, 'PROMOTIONS=1')),
  holds(eras),
  quick(broadly(breaks(eras, 'M_NO_ERA'))),
  ...['M_ERA_IN_GRANTS_ALONE', 'M_ERA_NOT_RAISED', 'M_NO_QUARANTINE', 'M_SESSIONS_LIVE_ON'].map((define) =>
    broadly(breaks(eras, define)),
  ),

  holds(lease),
  holds(lease, 'LIVES=2'),
  holds(lease, 'SLEEP'),
  holds(lease, 'GRANTS=3'),
  within(400, breaks(lease, 'M_NO_BUMP')),
  within(400, breaks(lease, 'M_TRUST_FROM_REPLY')),
  quick(broadly(breaks(lease, 'M_TRUST_FROM_GRANT'))),
  within(400, breaks(lease, 'M_NO_MARGIN')),
  within(400, breaks(lease, 'M_NO_WALL_CLOCK', 'SLEEP')),
  quick(within(400, breaks(lease, 'M_REAP_NO_COMPARE'))),
  within(400, breaks(lease, 'M_REAP_BY_EXPIRY')),
  within(400, breaks(lease, 'M_EPOCH_NOT_COMPARED')),
  within(400, breaks(lease, 'M_RELEASE_NO_EPOCH', 'GRANTS=3')),
  within(400, breaks(lease, 'M_TAKE_BACK')),
  within(400, breaks(lease, 'M_NOT_SERIAL')),
];
