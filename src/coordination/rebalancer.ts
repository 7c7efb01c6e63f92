// The coordinator's work: plans when something changed, writes the moves under its term, tells the group. Its plan is advice.
import type { Fence } from '../store/segments.ts';
import { type Plan, planAssignment } from '../domain/planner.ts';
import type { Term } from '../domain/lease.ts';
import type { RebalanceReason } from '../metrics/instruments.ts';
import { Backoff } from '../platform/backoff.ts';
import { Bell } from '../platform/bell.ts';
import type { PlanningInput } from '../store/assignments.ts';
import type { ObservedSession } from '../store/sessions.ts';
import type { CoordinationDeps } from './deps.ts';

export interface RebalancerOptions {
  readonly group: string;
  readonly sessionId: string;
  /** Changes that come within this time are planned together, milliseconds. */
  readonly settleMs: number;
  /** The coordinator proves to listeners that signals arrive this often, milliseconds. */
  readonly pingMs: number;
}

export class Rebalancer {
  private readonly deps: CoordinationDeps;
  private readonly options: RebalancerOptions;
  private readonly bell = new Bell();
  private reason: RebalanceReason = 'elected';
  /** What our last plan was made from or led to; another one seen means that something changed without a signal. */
  private generation = -1;
  private members = '';
  private plannedAgents: readonly string[] | undefined;

  constructor(deps: CoordinationDeps, options: RebalancerOptions) {
    this.deps = deps;
    this.options = options;
  }

  /** Something that the plan depends on may have changed. */
  changed(reason: RebalanceReason): void {
    this.reason = reason;
    this.bell.ring();
  }

  noteGeneration(generation: number): void {
    if (generation !== this.generation) this.changed('generation');
  }

  /**
   * The live sessions, as the reaper saw them. Compared with the last look, and with whom the last plan was made for: that may
   * have known an agent that came and went between two looks.
   */
  noteMembers(sessions: readonly ObservedSession[]): void {
    const members = listed(sessions.map(({ sessionId }) => sessionId));
    const agents = listed(sessions.map(({ agentId }) => agentId));
    const isPlanned = this.plannedAgents === undefined || listed(this.plannedAgents) === agents;
    if (members === this.members && isPlanned) return;
    this.members = members;
    this.changed('membership');
  }

  /** Plans while `term` lasts. */
  async run(term: Term, signal: AbortSignal): Promise<void> {
    const { clock, instruments, log, random, signals } = this.deps;
    const { group, sessionId, settleMs, pingMs } = this.options;
    const backoff = new Backoff({ firstMs: 100, maxMs: pingMs, random });
    const fence = { sessionId, epoch: term.epoch };
    instruments.coordinator.set({ group }, 1);
    instruments.coordinatorEpoch.set({ group }, term.epoch);
    instruments.coordinatorChanges.inc();
    this.reason = 'elected';
    this.bell.ring();
    while (!signal.aborted) {
      let waitMs = pingMs;
      if (await this.bell.wait(clock, waitMs, signal)) {
        // Agents that start or stop together are one change.
        await clock.sleep(settleMs, signal);
        if (signal.aborted) break;
        try {
          if (!(await this.plan(fence, signal))) break;
          backoff.reset();
        } catch (error) {
          waitMs = backoff.nextMs();
          log.warn({ err: error, retryInMs: Math.round(waitMs) }, 'planning failed');
          await clock.sleep(waitMs, signal);
          this.bell.ring();
        }
      }
      signals.publish('ping');
    }
    instruments.coordinator.set({ group }, 0);
  }

  /** False when the term is over. */
  private async plan(fence: Fence, signal: AbortSignal): Promise<boolean> {
    const { store, signals, instruments, log } = this.deps;
    const { reason } = this;
    const input = await store.readPlanningInput();
    const plan = await this.inSlices(input, signal);
    if (plan === undefined) return false;
    this.plannedAgents = input.agents.map((agent) => agent.agentId);
    this.generation = input.generation;
    if (plan.moves.length === 0) return true;
    const answer = await store.writeAssignment(fence, plan.moves);
    if (answer.outcome === 'fenced') {
      for (const move of plan.moves) instruments.moves.inc({ reason: move.reason, result: 'fenced' });
      log.warn({ epoch: fence.epoch }, 'assignment refused: no longer coordinator');
      return false;
    }
    this.generation = answer.generation;
    // Somebody's change came between our read and our write: the plan does not know it yet.
    if (answer.generation !== input.generation + 1) this.changed('generation');
    for (const move of plan.moves) instruments.moves.inc({ reason: move.reason, result: 'written' });
    instruments.rebalances.inc({ reason });
    signals.publish('assignment');
    log.info(
      { reason, moves: plan.moves.length, unassignable: plan.unassignable, generation: answer.generation },
      'assignment written',
    );
    return true;
  }

  /** Runs the planner slice by slice, so that heartbeats are never late because of it. */
  private async inSlices(input: PlanningInput, signal: AbortSignal): Promise<Plan | undefined> {
    const { agents, partitions } = input;
    const planning = planAssignment({
      agents,
      partitions,
      ...(this.plannedAgents && { previousAgents: this.plannedAgents }),
    });
    while (!signal.aborted) {
      const step = planning.next();
      if (step.done) return step.value;
      await this.deps.clock.sleep(0, signal);
    }
    return undefined;
  }
}

/** Comparable, in whatever order they came. */
function listed(names: readonly string[]): string {
  return names.toSorted().join(' ');
}
