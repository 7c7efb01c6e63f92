// What the faces (HTTP, metrics) may ask a running agent. They never reach into its loops.
import type { PartitionKey, Term } from '../domain/lease.ts';
import type { MetadataStore } from '../store/metadata-store.ts';

/**
 * `starting`: no store or no session yet; `waiting`: another live session has our name; `active`: trusts its session;
 * `suspended`: has a session but no fresh proof of it; `draining`: hands over before it stops; `stopped`.
 */
export type AgentRunState = 'starting' | 'waiting' | 'active' | 'suspended' | 'draining' | 'stopped';

export const agentRunStates: readonly AgentRunState[] = [
  'starting',
  'waiting',
  'active',
  'suspended',
  'draining',
  'stopped',
];

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
  readonly name: 'session' | 'store' | 'signals';
  readonly ok: boolean;
  readonly detail: string;
}

export interface Held {
  readonly trustedForMs: number;
  /** Partition terms this agent holds and trusts now; empty when its trust has passed. In key order. */
  readonly terms: readonly (Term & { readonly key: PartitionKey })[];
}

export interface AgentView {
  status(): AgentStatus;
  held(): Held;
  /** The session under which writes are fenced; null while there is none (every fenced write is then refused by the store). */
  readonly sessionId: string | null;
  /** The store, once it could be opened; undefined before: faces answer `unavailable`. */
  readonly store: MetadataStore | undefined;
  readiness(): readonly ReadinessCheck[];
  /** Something was changed through a face: tells the other agents, after the commit. */
  announce(change: Change): void;
}

/** What changed, as a hint; see the signals port. */
export type Change = 'membership' | 'topics' | 'session';
