// What simulations found, for people.
import { type FaultCounts, type FaultKind, faultKinds, noFaults } from './faults.ts';
import type { Outcome } from './run.ts';

/** What went wrong, when, and how to see it again. */
export function violationReport({ seed, violation }: Outcome): string {
  if (violation === undefined) return `seed ${seed}: every claim held`;
  const { claim, detail, phase, atMs, events } = violation;
  return [
    `seed ${seed}: "${claim}" does not hold`,
    `  ${detail}`,
    `  at ${(atMs / 1000).toFixed(4)} s, in ${phase}`,
    ...events.map((event) => `  ${event}`),
    `again, with everything that happened: npm run simulate -- --seed ${seed} --trace`,
  ].join('\n');
}

export class Totals {
  seeds = 0;
  readonly faults: FaultCounts = noFaults();
  readonly failed: Outcome[] = [];
  private simulatedMs = 0;
  private steps = 0;
  private grants = 0;
  private segments = 0;
  private believedInVain = 0;
  private slowest = { ttls: 0, seed: 0 };

  add(outcome: Outcome): void {
    this.seeds += 1;
    this.simulatedMs += outcome.simulatedMs;
    this.steps += outcome.steps;
    this.grants += outcome.grants;
    this.segments += outcome.segmentsAccepted;
    this.believedInVain += outcome.believedInVain;
    for (const kind of faultKinds) this.faults[kind] += outcome.faults[kind];
    if (outcome.violation !== undefined) this.failed.push(outcome);
    if (outcome.slowestRecoveryTtls > this.slowest.ttls)
      this.slowest = { ttls: outcome.slowestRecoveryTtls, seed: outcome.seed };
  }

  /** Kinds of faults that never occurred. */
  missing(): readonly FaultKind[] {
    return faultKinds.filter((kind) => this.faults[kind] === 0);
  }

  summary(): string {
    const { seeds, failed, slowest } = this;
    const faults = faultKinds.reduce((sum, kind) => sum + this.faults[kind], 0);
    const failing = failed.length === 0 ? '' : `: ${failed.map(({ seed }) => seed).join(', ')}`;
    return [
      `${seeds} seeds, ${failed.length} failed${failing}`,
      `${(this.simulatedMs / 3_600_000).toFixed(1)} hours simulated, ${this.steps} events, ${this.grants} terms, ${this.segments} segments accepted`,
      `longest from clear weather to the last lease granted: ${slowest.ttls.toFixed(2)} TTL (seed ${slowest.seed})`,
      `${this.believedInVain} events at which an agent believed in vain, its lock dropped unheard (crash detection)`,
      `${faults} faults`,
      ...faultKinds.map((kind) => `  ${String(this.faults[kind]).padStart(9)}  ${kind}`),
    ].join('\n');
  }
}
