// What happens to an agent, as the broker beside it and whoever watches are told it. Facts after they happened, except
// `lease.revoking`, which asks.
import type { TermEndReason } from '../store/leases.ts';
import type { AgentRunState } from './agent-run-state.ts';

/**
 * Why a partition's term is over for this agent: the store's reasons, and those that only the agent knows.
 * `handoff_timeout`: released although the broker never acknowledged; `superseded`: the store says that it is not ours
 * any more; `session_lost`: with the whole session.
 */
export type LeaseLostReason = TermEndReason | 'handoff_timeout' | 'superseded' | 'session_lost';

/** Why a role's term is over for one candidate. `expired`: it did not renew in time; `stream_closed`: its stream ended. */
export type ElectionLostReason = 'resigned' | 'expired' | 'stream_closed' | 'superseded' | 'session_lost';

interface OfPartition {
  readonly topic: string;
  readonly partition: number;
  readonly epoch: number;
}

export type AgentEvent =
  /** A new term. `highWatermark` was read after the grant: nothing under an older epoch can be appended any more. */
  | ({ readonly type: 'lease.granted'; readonly highWatermark: number | null } & OfPartition)
  /** The broker is asked to flush, append its last segment under this epoch, and acknowledge. `to`: who gets it, if known. */
  | ({
      readonly type: 'lease.revoking';
      /** When it is released whatever the broker does; this agent's monotonic clock, milliseconds. */
      readonly releasedAtMs: number;
      readonly to: string | null;
    } & OfPartition)
  | ({ readonly type: 'lease.lost'; readonly reason: LeaseLostReason } & OfPartition)
  /** No proof of the session for too long, or the session is over: nothing may be written until it is resumed. */
  | { readonly type: 'session.suspended'; readonly reason: string }
  | { readonly type: 'session.resumed'; readonly sessionId: string }
  | {
      readonly type: 'election.won';
      readonly name: string;
      readonly candidate: string;
      readonly epoch: number;
    }
  | {
      readonly type: 'election.lost';
      readonly name: string;
      readonly candidate: string;
      readonly epoch: number;
      readonly reason: ElectionLostReason;
    }
  /** This agent has read another assignment. */
  | { readonly type: 'assignment.changed'; readonly generation: number }
  /** This agent's own state (`agentId` and `state` named), or a hint that some agent of the group came, left or changed. */
  | { readonly type: 'agent.changed'; readonly agentId: string | null; readonly state: AgentRunState | null };

export type AgentEventType = AgentEvent['type'];
