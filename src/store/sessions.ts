// Port: agents and their sessions. All times in here are the database's; callers measure silence on their own clock.
import type { AgentState, Placement, Serving } from '../domain/agent-state.ts';
import type { SessionEndReason } from '../domain/session.ts';
import type { LeaseKey } from '../domain/lease.ts';
import type { JsonObject } from '../domain/topic.ts';
import type { Page, PageRequest } from './page.ts';

/** What an agent says of itself when it registers. */
export interface AgentDescription {
  readonly agentId: string;
  /** Where the broker beside it listens, told to clients that look up a leader. */
  readonly address: string;
  readonly zone: string;
  readonly weight: number;
  /** Topic patterns it is willing to lead; empty: all. */
  readonly managedTopics: readonly string[];
  readonly metadata: JsonObject;
}

export interface Agent extends AgentDescription {
  readonly state: AgentState;
  /** What its operator said last, whatever its state. */
  readonly placement: Placement;
  readonly sessionId: string | null;
  readonly lastHeartbeatAt: Date | null;
  /** Database time left until the session expires; negative when it has; null without a live session. */
  readonly expiresInMs: number | null;
  /** Partitions it leads now. */
  readonly leases: number;
}

export interface NewSession {
  readonly sessionId: string;
  readonly agent: AgentDescription;
  readonly ttlMs: number;
  /** Which process this is, for people: host and pid. */
  readonly process: string;
  /** Default: `serving`. */
  readonly serving?: Serving;
}

export type RegisterAnswer =
  | { readonly outcome: 'registered' }
  /** A live session of another process has the name. Only a reap or its own end frees it. */
  | { readonly outcome: 'name_taken'; readonly by: ObservedSession & { readonly process: string } };

export type HeartbeatAnswer =
  | {
      readonly outcome: 'renewed';
      /** Grows whenever what this session holds has changed; a higher one than expected means "read again before you trust". */
      readonly holdingsVersion: number;
      readonly assignmentGeneration: number;
      /** An operator asked this session to end. */
      readonly endRequested: boolean;
      /** The database's clock, for display and for the offset metric only. */
      readonly databaseTime: Date;
      /**
       * Whether others see that this connection lives, by a lock that it holds: its loss may then be taken for the agent's death. False
       * where there are no such locks, behind a pooler, and when it is switched off.
       */
      readonly isCrashDetected: boolean;
      /** The era in force. */
      readonly era: number;
    }
  | { readonly outcome: 'session_lost'; readonly reason: SessionEndReason | 'unknown' }
  /** All sessions ended when this era was opened, since the session was heard of last: what it held may be had back (`Reclaim`). */
  | { readonly outcome: 'session_lost'; readonly reason: 'new_era'; readonly era: number };

/** What an observer sees of a session. `beat` grows with every heartbeat. */
export interface ObservedSession {
  readonly sessionId: string;
  readonly agentId: string;
  readonly beat: number;
  readonly ttlMs: number;
  /** The advisory lock that its connection told last; null: it takes none. */
  readonly lockKey: number | null;
  /** Whether anybody holds that lock now. */
  readonly isLockHeld: boolean;
  /** How far it told last that its work as coordinator has got; null: it is none, or knows nothing of this. */
  readonly progress: number | null;
}

export interface Observation {
  /** Changes whenever the observing connection was lost and made anew: what was seen before it counts no longer. */
  readonly connection: number;
  readonly sessions: readonly ObservedSession[];
  /** The live session that holds the coordinator role; null when none does. */
  readonly coordinatorSessionId: string | null;
  /** Of that session's term; null when there is none. */
  readonly coordinatorEpoch: number | null;
}

/**
 * What became of the lock by which others see that an agent's connection lives. `pooled`: a pooler stands between, so none is taken;
 * `refused`: the server gave none.
 */
export type ConnectionLock = 'held' | 'pooled' | 'refused';

export type ReapAnswer = 'reaped' | 'alive' | 'already_ended';

export interface SessionStore {
  /** Registers a session, or finds the same one registered by an earlier attempt. Never judges another session's expiry. */
  registerSession(session: NewSession): Promise<RegisterAnswer>;

  /**
   * Extends the session by its TTL from the database's now. Succeeds however late, as long as nobody has reaped it. Where the store's data
   * turn out to be of another history than before, a new era is opened first, and the session is lost. `progress`: how far its work has got,
   * which only a coordinator tells.
   */
  heartbeat(sessionId: string, progress?: number | null): Promise<HeartbeatAnswer>;

  /**
   * What the session says of itself from now on. A change raises the group's assignment generation in its transaction, so that
   * the coordinator plans anew; saying the same again changes nothing. Refuses: `session_lost`.
   */
  setServing(sessionId: string, serving: Serving): Promise<void>;

  /**
   * What the operator says of an agent, dead ones included: it stays until said otherwise, or until the agent is forgotten. A change
   * raises the group's assignment generation in its transaction; saying the same again changes nothing. Refuses: `not_found`.
   */
  setPlacement(agentId: string, placement: Placement): Promise<Agent>;

  /** Vacates all its leases, epochs kept, and ends the session. Ending an ended session changes nothing. */
  endSession(sessionId: string, reason: SessionEndReason): Promise<void>;

  /** Live sessions of the group, in registration order. Read on the coordination connection, which heartbeats too. */
  observeSessions(): Promise<Observation>;

  /**
   * As `observeSessions`, but only the coordinator's session and the oldest `oldest` ones: costs the same however many
   * agents there are.
   */
  observeCoordinator(oldest: number): Promise<Observation>;

  /**
   * Ends a silent session by compare-and-set: only if it still shows `beat`, and the database's clock says that it has
   * expired or shows a time it cannot have. The caller must have observed that silence for one TTL without a break.
   */
  reapSession(sessionId: string, beat: number): Promise<ReapAnswer>;

  /**
   * Ends a session whose agent has died, by compare-and-set, whatever its TTL: only if it still shows `beat` and `lockKey`, and
   * nobody holds that lock. The caller must have seen it held and then missing, for the grace, on one connection of its own.
   */
  reapCrashed(sessionId: string, beat: number, lockKey: number): Promise<ReapAnswer>;

  getAgent(agentId: string): Promise<Agent | undefined>;

  /**
   * Tells the session that holds this lease to end, as `removeAgent` does with `force`, as long as it holds it at this epoch: whoever
   * came after it is not meant. Answers the agent that was told; null when that term is over. Idempotent. Refuses:
   * `not_found`.
   */
  requestSessionEnd(key: LeaseKey, epoch: number): Promise<string | null>;

  /** In agentId order. */
  listAgents(page: PageRequest): Promise<Page<Agent>>;

  countAgents(): Promise<Readonly<Record<AgentState, number>>>;

  /**
   * Forgets a dead agent. One with a live session is refused as `conflict`; with `force` its session is told to end, which it
   * does at its next heartbeat (`asked`). Refuses: `not_found`, `conflict`.
   */
  removeAgent(agentId: string, options: { readonly force: boolean }): Promise<'removed' | 'asked'>;

  /**
   * Forgets, in transactions of bounded size, what ended longer ago than `olderThanMs`: sessions, agents without any, and the history of leases.
   * Of a deleted topic's leases those without history go too, and their name's epoch floor stays. Touches no other lease.
   */
  purge(olderThanMs: number): Promise<Purged>;
}

/** How much was forgotten. */
export interface Purged {
  readonly agents: number;
  readonly historyRows: number;
  readonly leases: number;
}
