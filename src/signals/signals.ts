// Port: signals between the agents of a group. A signal is a hint, "look again": it carries no state, may be lost, and is
// never trusted. Whoever rings tells after its commit; whoever hears reads the store.

export type SignalKind =
  /** Agents went, or take work or not. Who comes is seen by the coordinator's next look: of a thousand that start, none need hear of the others. */
  | 'membership'
  /** The coordinator's role was given up, or taken from who made nothing of it. */
  | 'vacancy'
  /** Topics were created, grown or deleted. */
  | 'topics'
  /** The coordinator wrote a new assignment. */
  | 'assignment'
  /** Leases were released: whoever wants them may try. */
  | 'leases'
  /** Leases were granted: only who remembers who leads what has anything to do. */
  | 'routes'
  /** Retention removed segments: only who remembers where offsets lie has anything to do. */
  | 'segments'
  /** Another process wrote to the store, what is not known (SQLite): only who remembers what it read has anything to do. */
  | 'written'
  /** A session was asked to end: heartbeat now. */
  | 'session'
  /** The coordinator proves that signals arrive. */
  | 'ping'
  /** Something may have been missed, or what changed is not known: look at everything of one's own. */
  | 'resync';

export const signalKinds: readonly SignalKind[] = [
  'membership',
  'vacancy',
  'topics',
  'assignment',
  'leases',
  'routes',
  'segments',
  'written',
  'session',
  'ping',
  'resync',
];

/** These are of use only to who remembers what he read, and told only while somebody does. */
export const forThoseWhoRemember: ReadonlySet<SignalKind> = new Set<SignalKind>(['routes', 'segments']);

/** `agents`: whom alone it concerns, as far as the sender knows; undefined: everybody. */
export type SignalHandler = (kind: SignalKind, agents?: readonly string[]) => void;

export interface SignalsHealth {
  readonly ok: boolean;
  readonly detail: string;
}

export interface Signals extends AsyncDisposable {
  /** Handlers hear what others and this process itself publish. Returns the way to stop hearing. */
  subscribe(handler: SignalHandler): () => void;
  /**
   * Tells the group, bounded and coalesced; a failure is swallowed: the next heartbeat's reply catches it. Everybody hears it; `agents`: those that
   * need not wait for that reply. Undefined: everybody.
   */
  publish(kind: SignalKind, agents?: readonly string[]): void;
  /** Whether signals from others can arrive now. */
  health(): SignalsHealth;
  /**
   * Whether what is remembered may be taken for unchanged until a signal of this kind comes. `routes` and `segments` are told only where
   * somebody asks for this, and not from the first moment on.
   */
  tellsOf(kind: SignalKind): boolean;
}
