// All races of one agent. Every change of who leads goes through here, so that what is told (events, waiting requests, metrics)
// and what is true change in the same turn. Survives sessions; knows no store.
import { Refusal } from '../domain/refusal.ts';
import type { Instruments } from '../metrics/instruments.ts';
import type { Clock } from '../platform/clock.ts';
import type { Logger } from '../platform/logger.ts';
import type { AgentEvent, ElectionLostReason } from './agent-events.ts';
import { Candidate, type CandidacyEnd } from './candidate.ts';
import type { CandidacyHold } from './elections.ts';
import type { EventJournal } from './event-journal.ts';
import { Race } from './race.ts';

/** Candidacies of one agent at most. */
export const candidaciesMax = 1_000;

export interface RacesDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly instruments: Instruments;
  readonly journal: EventJournal;
}

export class Races {
  /** The session that roles are held in; null while there is none. */
  sessionId: string | null = null;
  private readonly deps: RacesDeps;
  private readonly races = new Map<string, Race>();
  private readonly listeners = new Set<() => void>();
  private count = 0;

  constructor(deps: RacesDeps) {
    this.deps = deps;
  }

  all(): readonly Race[] {
    return [...this.races.values()];
  }

  get(role: string): Race | undefined {
    return this.races.get(role);
  }

  /** The race for a role, made if there is none. */
  of(role: string): Race {
    const race = this.races.get(role) ?? new Race(role);
    this.races.set(role, race);
    return race;
  }

  /** Calls back, in the same turn, when there may be something to do. Returns the way to stop. */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Refuses `conflict` when there are too many. */
  enter(role: string, name: string, hold: CandidacyHold, receivedMs: number): Candidate {
    if (this.count >= candidaciesMax) {
      throw new Refusal(
        'conflict',
        `this agent has ${candidaciesMax} candidacies, the most it takes; resign some of them, or campaign through another agent`,
      );
    }
    const candidate = new Candidate(this.deps.clock, role, name, hold, receivedMs);
    this.of(role).enter(candidate);
    this.count += 1;
    // Ends by itself, with the candidacy at the latest.
    void candidate.watch((why) => this.leave(candidate, why));
    this.changed();
    return candidate;
  }

  /** Fine when it has left already. */
  leave(candidate: Candidate, why: CandidacyEnd): void {
    const race = this.races.get(candidate.role);
    if (candidate.isOver || race === undefined) return;
    this.count -= 1;
    if (race.leads(candidate)) this.tellLost(race, why === 'stopped' ? 'session_lost' : why);
    race.leave(candidate);
    candidate.end();
    this.deps.log.debug({ role: candidate.role, candidate: candidate.name, why }, 'candidacy over');
    this.changed();
  }

  /** This session holds the role under this epoch. */
  begin(race: Race, epoch: number): void {
    if (race.tenure.is !== 'none') return undefined;
    const { clock, log, journal } = this.deps;
    const winner = race.begin(epoch, new Date(clock.wallMs()));
    if (winner === undefined) return this.changed();
    log.info({ role: race.role, candidate: winner.name, epoch }, 'elected');
    journal.append(this.sessionId, [
      { type: 'election.won', name: race.role, candidate: winner.name, epoch },
    ]);
    winner.tell();
    return this.changed();
  }

  /** Who leads is told to stop; it stays in the race. */
  standDown(race: Race, reason: ElectionLostReason, releaseAtMs: number): void {
    if (race.tenure.is !== 'led') return;
    this.tellLost(race, reason);
    race.standDown(releaseAtMs);
    this.changed();
  }

  /** The agent does not hold the role any more. Who led is told why; who was told already is not told again. */
  over(race: Race, reason: ElectionLostReason): void {
    if (race.tenure.is === 'none') return;
    this.tellLost(race, reason);
    race.over();
    this.changed();
  }

  /** Forgets races in which nobody runs and nothing is held. */
  tidy(): void {
    const nowMs = this.deps.clock.monotonicMs();
    for (const race of this.races.values()) {
      const isIdle = race.candidates.length === 0 && race.tenure.is === 'none';
      if (isIdle && race.notBeforeMs <= nowMs) this.races.delete(race.role);
    }
  }

  private tellLost(race: Race, reason: ElectionLostReason): void {
    if (race.tenure.is !== 'led') return;
    const { by, epoch } = race.tenure;
    const event: AgentEvent = {
      type: 'election.lost',
      name: race.role,
      candidate: by.name,
      epoch,
      reason,
    };
    this.deps.log.info({ role: race.role, candidate: by.name, epoch, reason }, 'role lost');
    this.deps.journal.append(this.sessionId, [event]);
  }

  private changed(): void {
    const { electionCandidacies } = this.deps.instruments;
    const leading = this.all().filter(({ tenure }) => tenure.is === 'led').length;
    electionCandidacies.set({ state: 'leading' }, leading);
    electionCandidacies.set({ state: 'waiting' }, this.count - leading);
    for (const listener of this.listeners) listener();
  }
}
