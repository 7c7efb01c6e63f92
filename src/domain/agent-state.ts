// What an agent may be given, and what is said of its state: three voices (its heartbeats, its operator, itself) put together
// in one place.

/** The operator's word. It outlives sessions. `cordoned`: gets nothing new; `draining`: also hands over all it has. */
export const placements = ['open', 'cordoned', 'draining'] as const;
export type Placement = (typeof placements)[number];

/** A session's word on itself. `broker_down`: the broker beside it is gone; `stopping`: it hands over before it ends. */
export const servings = ['serving', 'broker_down', 'stopping'] as const;
export type Serving = (typeof servings)[number];

/** In the order in which they outdo each other, the strongest last. `expired`: silent for a TTL, not reaped. */
export const agentStates = ['active', 'cordoned', 'broker_down', 'draining', 'expired', 'dead'] as const;
export type AgentState = (typeof agentStates)[number];

export interface AgentFacts {
  readonly placement: Placement;
  /** Null without a live session. */
  readonly session: { readonly hasExpired: boolean; readonly serving: Serving } | null;
}

export function agentStateOf({ placement, session }: AgentFacts): AgentState {
  if (session === null) return 'dead';
  if (session.hasExpired) return 'expired';
  if (session.serving === 'stopping' || placement === 'draining') return 'draining';
  if (session.serving === 'broker_down') return 'broker_down';
  return placement === 'cordoned' ? 'cordoned' : 'active';
}

/**
 * What a live agent takes: `new`: anything; `own`: it keeps what it has and gets nothing; `nothing`: all it has goes to
 * others.
 */
export type Takes = 'new' | 'own' | 'nothing';

/** Why an agent takes nothing, as the reason of the moves that follow. */
export type LeavingReason = 'drain' | 'broker_down' | 'agent_left';

export function takesOf(
  placement: Placement,
  serving: Serving,
): { readonly takes: Takes; readonly leaving?: LeavingReason } {
  if (serving === 'stopping') return { takes: 'nothing', leaving: 'agent_left' };
  if (placement === 'draining') return { takes: 'nothing', leaving: 'drain' };
  if (serving === 'broker_down') return { takes: 'nothing', leaving: 'broker_down' };
  return { takes: placement === 'cordoned' ? 'own' : 'new' };
}
