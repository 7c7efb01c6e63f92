// This agent: who it is, how it is, how long it may act, and the broker beside it.
import { counter, gauge, histogram } from '../definition.ts';
import { stepSeconds } from './buckets.ts';

/**
 * `attached`: holds its event stream open; `answering`: has none open, but answers at BROKER_HEALTH_URL; `away`: its stream ended and
 * it has time to come back; `down`: this agent hands over what it led; `none`: nobody ever attached, and there is no URL to ask.
 */
export const brokerStates = ['attached', 'answering', 'away', 'down', 'none'] as const;
export type BrokerState = (typeof brokerStates)[number];

/** As in coordination/agent-run-state.ts, which explains them; a test holds the two together. */
export const shownAgentStates = [
  'starting',
  'waiting',
  'active',
  'broker_down',
  'suspended',
  'draining',
  'stopped',
] as const;

export const agentTable = {
  buildInfo: gauge('build_info', {
    help: 'Always 1; the program version',
    labels: { version: 'open', node: 'open' },
    whenOff: 'Several versions for longer than an upgrade lasts: finish it.',
  }),
  agentInfo: gauge('agent_info', {
    help: 'Always 1; who this agent is',
    labels: { agent_id: 'open', group: 'open', zone: 'open' },
    whenOff: 'Fewer than there should be: an agent is down, or Prometheus does not find it.',
  }),
  agentState: gauge('agent_state', {
    help: '1 for the state this agent is in, 0 for the others',
    labels: { state: shownAgentStates },
    whenOff:
      'Not `active`: `detail` in `GET /v1/status` says why. `suspended` or `starting` for long: look at the store.',
  }),
  brokerState: gauge('broker_state', {
    help: '1 for what is known of the broker beside this agent, 0 for the rest',
    labels: { state: brokerStates },
    whenOff:
      '`down`: the agent has handed its partitions over; start the broker. `none` where there is a broker: it does not attach.',
  }),
  sessionTtlSeconds: gauge('session_ttl_seconds', {
    help: 'SESSION_TTL_MS in force: how long a silent session lives',
    whenOff: 'Different within a group for longer than a rollout lasts: set it alike.',
  }),
  sessionTrustLimitSeconds: gauge('session_trust_limit_seconds', {
    help: 'How long a session is trusted right after a heartbeat was sent; the TTL less the margin',
    whenOff: 'Follows from the TTL; `session_trusted_seconds` is compared with it.',
  }),
  sessionTrustedSeconds: gauge('session_trusted_seconds', {
    help: 'How long this agent may act without another heartbeat',
    whenOff:
      'Near 0 again and again: heartbeats are late. Look at `heartbeat_duration_seconds` and the event loop.',
  }),
  heartbeats: counter('heartbeats_total', {
    help: 'Heartbeats by result',
    labels: { result: ['renewed', 'failed', 'lost'] },
    whenOff:
      '`failed` grows: the store or the way to it. `lost`: the session was ended; the log says by whom.',
  }),
  heartbeatDuration: histogram('heartbeat_duration_seconds', {
    help: 'Heartbeat round trip',
    buckets: stepSeconds,
    whenOff: 'Above a tenth of a second: the store is slow, and everything with it.',
  }),
  stalls: counter('stalls_total', {
    help: 'Times this process was held up for more than half of the trust margin, or its wall clock was set by as much',
    labels: { kind: ['event_loop', 'clock_step'] },
    whenOff:
      '`event_loop` grows: too little processor time; see `nodejs_eventloop_lag_max_seconds`. `clock_step`: a machine that is suspended, or NTP that steps.',
  }),
  signalsConnected: gauge('signals_connected', {
    help: '1 while signals of other agents can arrive',
    whenOff:
      '0 while the agent is active: LISTEN does not get through; set DIRECT_DATABASE_URL past the pooler.',
  }),
  crashDetectionActive: gauge('crash_detection_active', {
    help: '1 while a lock shows others that this agent lives, so that its crash is noticed before its TTL is over',
    whenOff:
      '0 with CRASH_DETECTION=off, behind a pooler and on SQLite; `/readyz?verbose` says which: a crash is noticed after the TTL.',
  }),
} as const;
