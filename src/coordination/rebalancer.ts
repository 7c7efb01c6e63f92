// The coordinator's work: plans when something changed, writes the moves under its term, tells the group. Its plan is advice.
import type { Fence } from '../store/segments.ts';
import type { Plan } from '../domain/planner.ts';
import type { Term } from '../domain/lease.ts';
import type { RebalanceReason } from '../metrics/table/coordinator.ts';
import { Backoff } from '../platform/backoff.ts';
import { Bell } from '../platform/bell.ts';
import type { PlanningInput } from '../store/assignments.ts';
import type { ObservedSession } from '../store/sessions.ts';
import type { PlanFigures } from '../metrics/probe.ts';
import type { CoordinationDeps } from './deps.ts';
import { type Planned, planFigures } from './plan-figures.ts';
import { nextSettledInMs, type PlacementOptions, planInSlices, plannerInput } from './placement.ts';

export interface RebalancerOptions {
  readonly group: string;
  readonly sessionId: string;
  /** Changes that come within this time are planned together, milliseconds. */
  readonly settleMs: number;
  /** The coordinator proves to listeners that signals arrive this often, milliseconds. */
  readonly pingMs: number;
  readonly placement: PlacementOptions;
  /** A round begins this often at least, milliseconds, if only to show that it can. */
  readonly roundMsMax: number;
  /** A round is over and did not fail. */
  readonly onRound: () => void;
}

/** While moves wait for others to be done, it is looked again this often, milliseconds. */
const waveMs = 200;

export class Rebalancer {
  private readonly deps: CoordinationDeps;
  private readonly options: RebalancerOptions;
  private readonly bell = new Bell();
  private reason: RebalanceReason = 'elected';
  /** What our last plan was made from or led to; another one seen means that something changed without a signal. */
  private generation = -1;
  /** The live sessions of the last plan's input; undefined before the first one of a term. */
  private plannedSessions: string | undefined;
  /** What is seen now may be in the input that is being read: later looks compare it with that. */
  private isReading = false;
  /** The highest generation told meanwhile. */
  private toldGeneration = -1;
  /** For whom the last plan was made of which nothing is left: who is not among them has joined, also for later waves. */
  private settledAgents: readonly string[] | undefined;
  /** When to plan again although nothing has been heard, and why; monotonic. */
  private again: { readonly atMs: number; readonly reason: RebalanceReason } | undefined;

  /** Our last plan, while our term lasts, and what was made of it for people. */
  private last: { readonly planned: Planned; figures?: Promise<PlanFigures> } | undefined;

  constructor(deps: CoordinationDeps, options: RebalancerOptions) {
    this.deps = deps;
    this.options = options;
  }

  /** Something that the plan depends on may have changed. */
  changed(reason: RebalanceReason): void {
    this.reason = reason;
    this.bell.ring();
  }

  /** What the last plan says; undefined before the first one of a term, and after the term. Reads nothing. */
  async figures(): Promise<PlanFigures | undefined> {
    const { last } = this;
    if (last === undefined) return undefined;
    return (last.figures ??= planFigures(last.planned, this.deps.clock));
  }

  noteGeneration(generation: number): void {
    if (this.isReading) this.toldGeneration = Math.max(this.toldGeneration, generation);
    else if (generation !== this.generation) this.changed('generation');
  }

  /**
   * The live sessions, as the reaper saw them: compared at each look with those that the last plan was made for. So nothing has to be
   * remembered of a look, and whoever came and went is noticed as long as the plan names it.
   */
  noteMembers(sessions: readonly ObservedSession[]): void {
    if (!this.isReading && sessionsOf(sessions) !== this.plannedSessions) this.changed('membership');
  }

  /** Plans while `term` lasts. */
  async run(term: Term, signal: AbortSignal): Promise<void> {
    const { clock, instruments, log, random, signals } = this.deps;
    const { group, sessionId, settleMs, pingMs, roundMsMax, onRound } = this.options;
    const backoff = new Backoff({ firstMs: 100, maxMs: pingMs, random });
    const fence = { sessionId, epoch: term.epoch };
    instruments.coordinatorEpoch.set({ group }, term.epoch);
    instruments.coordinatorChanges.inc();
    this.plannedSessions = undefined;
    this.reason = 'elected';
    this.bell.ring();
    let pingAtMs = clock.monotonicMs();
    while (!signal.aborted) {
      const pingInMs = Math.max(0, pingAtMs - clock.monotonicMs());
      const waitMs = Math.min(roundMsMax, pingInMs, this.againInMs());
      if ((await this.bell.wait(clock, waitMs, signal)) || this.isDueAgain()) {
        try {
          this.isReading = true;
          // Agents that start or stop together are one change.
          await clock.sleep(settleMs, signal);
          if (signal.aborted || !(await this.plan(fence, signal))) break;
          backoff.reset();
          onRound();
          pingAtMs = 0;
        } catch (error) {
          const retryInMs = backoff.nextMs();
          log.warn({ err: error, retryInMs: Math.round(retryInMs) }, 'planning failed');
          await clock.sleep(retryInMs, signal);
          this.bell.ring();
        } finally {
          this.isReading = false;
        }
      } else onRound();
      if (clock.monotonicMs() < pingAtMs) continue;
      signals.publish('ping');
      pingAtMs = clock.monotonicMs() + pingMs;
    }
    this.last = undefined;
  }

  /** False when the term is over. */
  private async plan(fence: Fence, signal: AbortSignal): Promise<boolean> {
    const { store, clock } = this.deps;
    const { placement } = this.options;
    const { reason } = this;
    const input = await store.readPlanningInput();
    this.isReading = false;
    this.plannedSessions = sessionsOf(input.agents);
    this.generation = input.generation;
    if (this.toldGeneration > input.generation) this.changed('generation');
    const plan = await planInSlices(plannerInput(input, 'due', placement, this.settledAgents), clock, signal);
    if (plan === undefined) return false;
    if (plan.deferred === 0) this.settledAgents = input.agents.map(({ agentId }) => agentId);
    this.planAgain(input, plan);
    // All that was asked for is written when nothing is held back any more.
    const applied = plan.deferred === 0 ? (input.applyRequestedAt ?? undefined) : undefined;
    if (plan.moves.length === 0 && applied === undefined) {
      this.last = { planned: { input, plan, generation: input.generation } };
      return true;
    }
    return this.write(fence, { input, plan, applied, reason });
  }

  /** False when the term is over. */
  private async write(
    fence: Fence,
    {
      input,
      plan,
      applied,
      reason,
    }: {
      readonly input: PlanningInput;
      readonly plan: Plan;
      readonly applied: Date | undefined;
      readonly reason: RebalanceReason;
    },
  ): Promise<boolean> {
    const { store, signals, instruments, log } = this.deps;
    const answer = await store.writeAssignment(fence, plan.moves, { applied });
    if (answer.outcome === 'fenced') {
      for (const move of plan.moves) instruments.moves.inc({ reason: move.reason, result: 'fenced' });
      log.warn({ epoch: fence.epoch }, 'assignment refused: no longer coordinator');
      return false;
    }
    this.generation = answer.generation;
    this.last = { planned: { input, plan, generation: answer.generation } };
    // Somebody's change came between our read and our write: the plan does not know it yet.
    if (answer.generation !== input.generation + 1) this.changed('generation');
    for (const move of plan.moves) instruments.moves.inc({ reason: move.reason, result: 'written' });
    instruments.rebalances.inc({ reason });
    signals.publish('assignment', agentsOf(plan.moves));
    // Behind the telling: nobody who takes over waits for it.
    await store.assignmentRewritten(plan.moves.length);
    const { unassignable, deferred } = plan;
    log.info(
      { reason, moves: plan.moves.length, deferred, unassignable, generation: answer.generation },
      'assignment written',
    );
    return true;
  }

  private planAgain(input: PlanningInput, plan: Plan): void {
    const nowMs = this.deps.clock.monotonicMs();
    const settledInMs = nextSettledInMs(input, this.options.placement);
    if (plan.deferred > 0) this.again = { atMs: nowMs + waveMs, reason: 'wave' };
    else
      this.again = settledInMs === undefined ? undefined : { atMs: nowMs + settledInMs, reason: 'settled' };
  }

  private againInMs(): number {
    return this.again === undefined
      ? Number.POSITIVE_INFINITY
      : Math.max(0, this.again.atMs - this.deps.clock.monotonicMs());
  }

  /** Then that is the reason. */
  private isDueAgain(): boolean {
    if (this.again === undefined || this.againInMs() > 0) return false;
    this.reason = this.again.reason;
    return true;
  }
}

/** Who loses or gets something. */
function agentsOf(moves: Plan['moves']): readonly string[] {
  const agents = new Set<string>();
  for (const { from, to } of moves) {
    if (from !== null) agents.add(from);
    if (to !== null) agents.add(to);
  }
  return [...agents];
}

/** Comparable, in whatever order they came. */
function sessionsOf(live: readonly { readonly sessionId: string }[]): string {
  return live
    .map(({ sessionId }) => sessionId)
    .toSorted()
    .join(' ');
}
