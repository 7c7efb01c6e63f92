// What the faces (HTTP, metrics) may ask a running agent. They never reach into its loops.
import type { PartitionKey, Term } from '../domain/lease.ts';
import type { ReleaseOutcome } from '../store/leases.ts';
import type { Lookups } from '../store/lookups.ts';
import type { MetadataStore } from '../store/metadata-store.ts';
import type { AgentRunState } from './agent-run-state.ts';
import type { Elections } from './elections.ts';
import type { Journal } from './event-journal.ts';
import type { PlacementOptions } from './placement.ts';

export interface AgentStatus {
  readonly agentId: string;
  readonly group: string;
  readonly zone: string;
  readonly state: AgentRunState;
  /** One sentence for people when the state needs one (`waiting` for whom, why `starting`). */
  readonly detail: string | null;
  readonly sessionId: string | null;
  /** Whether this agent is its group's coordinator, by a trusted term. */
  readonly isCoordinator: boolean;
  /** How long this agent may act without another heartbeat, local monotonic clock; 0 without trust. */
  readonly trustedForMs: number;
  /** Partitions it holds and trusts. */
  readonly leases: number;
}

/** A check of readiness, with a sentence that says what is wrong. */
export interface ReadinessCheck {
  readonly name: 'session' | 'store' | 'signals' | 'crash_detection';
  readonly ok: boolean;
  readonly detail: string;
}

/** The broker has been asked to give a term up. */
export interface Revoking {
  readonly sinceMs: number;
  /** When it is released whatever the broker does. Both on this agent's monotonic clock. */
  readonly releasedAtMs: number;
  /** Who gets it, when that is known. */
  readonly to: string | null;
}

/** One partition's term as this agent holds it. */
export interface HeldTerm extends Term {
  readonly key: PartitionKey;
  readonly revoking?: Revoking;
}

export interface Held {
  readonly trustedForMs: number;
  /** Partition terms this agent holds and trusts now; empty when its trust has passed. In key order. */
  readonly terms: readonly HeldTerm[];
}

export interface AgentView {
  status(): AgentStatus;
  held(): Held;
  /** The session under which writes are fenced; null while there is none (every fenced write is then refused by the store). */
  readonly sessionId: string | null;
  /** The store, once it could be opened; undefined before: faces answer `unavailable`. */
  readonly store: MetadataStore | undefined;
  /** For what may be of a moment ago. Undefined as the store is. */
  readonly lookups: Lookups | undefined;
  readiness(): readonly ReadinessCheck[];
  /** Something was changed through a face: tells the other agents, after the commit. */
  announce(change: Change): void;
  /** What happened to this agent. An event and what `holds` answers change in the same turn. */
  readonly journal: Journal;
  /** Everything held, trusted or not, in key order: what a reader of events starts from. The array never changes. */
  holds(): readonly HeldTerm[];
  /** A broker's event stream is open until what this answers is disposed of. */
  attachBroker(): Disposable;
  /**
   * The broker is done with these terms: gives them up, and answers what the store says of each. Repeating it is fine while the
   * lease is vacant at that epoch. Refuses `session_lost` without a session. Fails as the store does; the terms are given up
   * locally all the same.
   */
  acknowledge(terms: readonly (Term & { readonly key: PartitionKey })[]): Promise<readonly ReleaseOutcome[]>;
  /** How this agent plans, or would if it were coordinator. */
  readonly placement: PlacementOptions;
  /** Roles that brokers and jobs beside this agent campaign for. */
  readonly elections: Elections;
}

/** What changed, as a hint; see the signals port. */
export type Change = 'membership' | 'topics' | 'segments' | 'assignment' | 'session';
