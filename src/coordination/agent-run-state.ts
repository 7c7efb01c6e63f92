// The states an agent can be in, as it sees itself.

/**
 * `starting`: no store or no session yet; `waiting`: another live session has our name; `active`: trusts its session;
 * `broker_down`: trusts its session, but the broker beside it is gone, so it leads nothing; `suspended`: has a session but no
 * fresh proof of it; `draining`: hands over before it stops; `stopped`.
 */
export type AgentRunState =
  | 'starting'
  | 'waiting'
  | 'active'
  | 'broker_down'
  | 'suspended'
  | 'draining'
  | 'stopped';

export const agentRunStates: readonly AgentRunState[] = [
  'starting',
  'waiting',
  'active',
  'broker_down',
  'suspended',
  'draining',
  'stopped',
];
