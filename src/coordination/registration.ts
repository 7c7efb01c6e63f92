// Registers a session and waits, for as long as it takes, for the store to answer and for the name to be free.
import type { Serving } from '../domain/agent-state.ts';
import { Refusal } from '../domain/refusal.ts';
import type { TimeBudget } from '../domain/session.ts';
import { SilenceWatch } from '../domain/silence-watch.ts';
import { Backoff } from '../platform/backoff.ts';
import type { AgentDescription, ReapAnswer, RegisterAnswer } from '../store/sessions.ts';
import type { CoordinationDeps } from './deps.ts';
import { Trust } from './trust.ts';

export interface Registered {
  readonly sessionId: string;
  readonly trust: Trust;
  readonly serving: Serving;
}

export interface RegistrationOptions {
  readonly agent: AgentDescription;
  readonly budget: TimeBudget;
  /** Host and pid, for people. */
  readonly process: string;
  /** Whether this agent takes work from its first moment. Asked once for each session. */
  readonly serving: () => Serving;
}

/** Another process with our agentId is alive: two cannot have one name, and it was there first. */
export class NameTaken extends Error {
  override readonly name = 'NameTaken';
}

/** How often a waiting agent looks at the session that has its name, milliseconds. */
const lookMs = 250;

/**
 * After so many new beats, seen one after the other, the session's agent is known to live. One alone may be the last of an agent that was
 * killed with it under way: executed late, or raised by a commit that the first look did not see.
 */
const beatsOfTheLiving = 2;

type NameHolder = Extract<RegisterAnswer, { outcome: 'name_taken' }>['by'];

/** The session that has our name, as it was seen last. */
interface Seen {
  readonly sessionId: string;
  readonly beat: number;
  /** How often a look has found a new beat. */
  readonly newBeats: number;
}

/**
 * Answers undefined when `signal` aborted first. A live session under our name is watched: if it goes on beating, fails with
 * NameTaken; if it stays silent for its TTL (a container restarted after a kill), it is reaped and we go on.
 */
export async function register(
  deps: CoordinationDeps,
  options: RegistrationOptions,
  onWaiting: (detail: string) => void,
  signal: AbortSignal,
): Promise<Registered | undefined> {
  const { store, clock, log, random, newSessionId = () => crypto.randomUUID() } = deps;
  const { agent, budget, process } = options;
  const backoff = new Backoff({ firstMs: 100, maxMs: Math.min(2_000, budget.heartbeatIntervalMs), random });
  const watch = new SilenceWatch({ gapMaxMs: budget.ttlMs / 2 });
  let sessionId = newSessionId();
  // One session says the same each time it is tried: an attempt whose answer was lost may have registered it.
  let serving = options.serving();
  let seen: Seen | undefined;
  while (!signal.aborted) {
    const trust = new Trust(clock, budget);
    const sent = trust.sending();
    try {
      const session = { sessionId, agent, ttlMs: budget.ttlMs, process, serving };
      const answer = await store.registerSession(session);
      if (answer.outcome === 'registered') {
        trust.proven(sent);
        return { sessionId, trust, serving };
      }
      backoff.reset();
      const { by } = answer;
      if (seen?.sessionId !== by.sessionId) {
        log.info({ by: by.process, ttlMs: by.ttlMs }, 'waiting: another live session has our name');
      }
      seen = lookAgain(seen, by);
      if (seen.newBeats >= beatsOfTheLiving) throw nameTaken(by, options);
      onWaiting(
        `waiting for the session of ${by.process} to go on beating, or to be silent for ${by.ttlMs} ms`,
      );
      watch.observe({ askedMs: sent.sentMs, nowMs: clock.monotonicMs(), connection: 0, sessions: [by] });
      const [silent] = watch.silent();
      if (silent !== undefined) {
        const result = await reapSilent(deps, by, silent.beat);
        if (result !== 'alive') continue;
      }
      await clock.sleep(lookMs, signal);
    } catch (error) {
      if (error instanceof NameTaken) throw error;
      watch.void();
      // Registered by an attempt whose answer was lost, and reaped since: that session is dead for ever.
      if (error instanceof Refusal) {
        sessionId = newSessionId();
        serving = options.serving();
      }
      const delayMs = backoff.nextMs();
      const level = backoff.failures > 3 ? 'warn' : 'info';
      log[level]({ err: error, retryInMs: Math.round(delayMs) }, 'cannot register yet');
      onWaiting(error instanceof Error ? error.message : String(error));
      await clock.sleep(delayMs, signal);
    }
  }
  return undefined;
}

/**
 * A reap that fails voids nothing: it goes by a connection of its own, which may have died in the long wait, and the silence was seen by
 * reads that all were answered. Its outcome is unknown; the next registration finds it.
 */
async function reapSilent(
  { store, signals, log }: CoordinationDeps,
  { sessionId, process }: NameHolder,
  beat: number,
): Promise<ReapAnswer> {
  try {
    const result = await store.reapSession(sessionId, beat);
    log.info({ by: process, result }, 'silent session under our name');
    if (result === 'reaped') signals.publish('membership');
    return result;
  } catch (error) {
    log.info({ by: process, err: error }, 'cannot end the silent session under our name yet');
    return 'alive';
  }
}

function lookAgain(before: Seen | undefined, { sessionId, beat }: NameHolder): Seen {
  if (before?.sessionId !== sessionId) return { sessionId, beat, newBeats: 0 };
  return { sessionId, beat, newBeats: before.newBeats + (beat === before.beat ? 0 : 1) };
}

function nameTaken(by: NameHolder, { agent, process }: RegistrationOptions): NameTaken {
  return new NameTaken(
    `AGENT_ID "${agent.agentId}" belongs to a live agent: ${by.process}; this is ${process}. Stop one, or give this one another AGENT_ID`,
  );
}
