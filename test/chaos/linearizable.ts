// Whether the operations on one lease can be put into one order that keeps the order of real time and is lawful for a register with
// epochs. In general that is a search without bound (Gibbons and Korach, Testing Shared Memories, 1997). Here every epoch is
// granted once and they only grow, so the states that the lease goes through are known beforehand, in their order:
//
//     vacant at 0 → held under e1 → vacant at e1 → held under e2 → …
//
// Each operation is the step to one of these states, or is true in one or two of them. Let T(i) be the moment of the step to state i.
//   - a step with an answer: T(i) lies between its call and its return;
//   - seen in states a to b: at a moment of its own between call and return, so T(a) ≤ return, and T(b + 1) ≥ call.
// Every condition is a bound on one T, from below or from above, and the steps come in turn. Such moments exist exactly when no lower
// bound is above the upper bound of the same or a later step. An operation without an answer may have happened or not: as a grant it
// is used for the first of its holder's epochs that nothing else explains, the earliest call for the lowest epoch; what is left over did not happen.
import { grouped, type Operation, operationText } from './history.ts';

/** What contradicts what, in words; empty when there is such an order. */
export function findContradictions(operations: readonly Operation[]): string[] {
  const grants = new Grants();
  for (const operation of operations) grants.note(operation);
  const found = grants.explain();
  if (found.length > 0) return found;
  const states = new States(grants.epochs());
  for (const act of grants.acts()) states.step(states.held(act.epoch), act.operation);
  for (const operation of operations) {
    const { what } = operation;
    if (what.kind === 'granted') states.before(states.held(what.epoch), operation);
    if (what.kind === 'ended') states.before(states.vacant(what.epoch), operation);
    if (what.kind === 'held') states.within(states.held(what.epoch), states.held(what.epoch), operation);
    if (what.kind === 'vacant')
      states.within(states.vacant(what.epoch), states.vacant(what.epoch), operation);
    if (what.kind === 'current')
      states.within(states.first(what.epoch), states.vacant(what.epoch), operation);
    if (what.kind === 'end') states.within(states.vacant(what.epoch), states.vacant(what.epoch), operation);
  }
  found.push(...states.boundEnds(operations));
  return found.length > 0 ? found : states.contradictions();
}

/** Who was granted which epoch, and by which operation. */
class Grants {
  private readonly holders = new Map<number, { readonly holder: string; readonly by: Operation }>();
  private readonly known = new Map<number, Operation>();
  private readonly perhaps = new Map<string, Operation[]>();
  private readonly mentioned = new Map<number, Operation>();
  private readonly found: string[] = [];

  note(operation: Operation): void {
    const { what } = operation;
    if (what.kind === 'perhaps_grant') {
      const before = this.perhaps.get(what.holder) ?? [];
      this.perhaps.set(what.holder, [...before, operation]);
      return;
    }
    // What perhaps ended was perhaps never granted.
    if (what.kind === 'perhaps_end') return;
    const isBeginning = what.epoch === 0 && (what.kind === 'vacant' || what.kind === 'current');
    if (!isBeginning) this.mentioned.set(what.epoch, operation);
    if (!('holder' in what)) return;
    const other = this.holders.get(what.epoch);
    if (other !== undefined && other.holder !== what.holder) {
      this.found.push(`two holders of one epoch: ${operationText(other.by)}; ${operationText(operation)}`);
    }
    this.holders.set(what.epoch, { holder: what.holder, by: operation });
    if (what.kind !== 'grant') return;
    const twice = this.known.get(what.epoch);
    if (twice !== undefined) {
      this.found.push(`one epoch granted twice: ${operationText(twice)}; ${operationText(operation)}`);
    }
    this.known.set(what.epoch, operation);
  }

  /** Finds an act for each epoch that was seen; answers what none explains. */
  explain(): string[] {
    for (const [epoch, by] of [...this.mentioned].toSorted(([a], [b]) => a - b)) {
      if (epoch > 0 && this.known.has(epoch)) continue;
      const holder = this.holders.get(epoch)?.holder;
      const candidates = holder === undefined ? [] : (this.perhaps.get(holder) ?? []);
      const [first, ...rest] = candidates.toSorted((a, b) => a.invokedMs - b.invokedMs);
      if (first === undefined || holder === undefined || epoch <= 0) {
        this.found.push(`an epoch that nobody was granted: ${operationText(by)}`);
        continue;
      }
      this.perhaps.set(holder, rest);
      this.known.set(epoch, first);
    }
    return this.found;
  }

  epochs(): number[] {
    return [...this.known.keys()].toSorted((a, b) => a - b);
  }

  acts(): { readonly epoch: number; readonly operation: Operation }[] {
    return [...this.known].map(([epoch, operation]) => ({ epoch, operation }));
  }
}

interface Bound {
  readonly atMs: number;
  readonly by: Operation;
}

/** State 0: vacant at 0. State 2k − 1: held under the k-th epoch; state 2k: vacant at it. */
class States {
  private readonly epochs: readonly number[];
  private readonly places: ReadonlyMap<number, number>;
  /** Of the step to each state; the steps that nothing says anything about are left out. */
  private readonly from = new Map<number, Bound>();
  private readonly to = new Map<number, Bound>();

  constructor(epochs: readonly number[]) {
    this.epochs = epochs;
    this.places = new Map(epochs.map((epoch, index) => [epoch, index + 1]));
  }

  held(epoch: number): number {
    return 2 * this.place(epoch) - 1;
  }

  vacant(epoch: number): number {
    return 2 * this.place(epoch);
  }

  /** The first state with this epoch. */
  first(epoch: number): number {
    return Math.max(0, this.held(epoch));
  }

  step(state: number, operation: Operation): void {
    this.notBefore(state, { atMs: operation.invokedMs, by: operation });
    this.before(state, operation);
  }

  /** The step has been made when the operation returns. */
  before(state: number, operation: Operation): void {
    const bound = this.to.get(state);
    if (bound !== undefined && bound.atMs <= operation.returnedMs) return;
    this.to.set(state, { atMs: operation.returnedMs, by: operation });
  }

  within(first: number, last: number, operation: Operation): void {
    this.before(first, operation);
    // Behind the last state there is nothing to be late for.
    if (last + 1 <= 2 * this.epochs.length) {
      this.notBefore(last + 1, { atMs: operation.invokedMs, by: operation });
    }
  }

  /** A term ends by the earliest of what may have ended it. Answers the terms that must have ended, and that nothing ended. */
  boundEnds(operations: readonly Operation[]): string[] {
    const found: string[] = [];
    const ends = grouped(
      operations.filter(({ what }) => what.kind === 'end' || what.kind === 'perhaps_end'),
      ({ what }) => ('epoch' in what ? what.epoch : 0),
    );
    for (const [index, epoch] of this.epochs.entries()) {
      const state = this.vacant(epoch);
      const [earliest] = (ends.get(epoch) ?? []).toSorted((a, b) => a.invokedMs - b.invokedMs);
      if (earliest !== undefined) {
        this.notBefore(state, { atMs: earliest.invokedMs, by: earliest });
        continue;
      }
      const witness = this.to.get(state)?.by ?? this.to.get(state + 1)?.by;
      const isOver = this.to.has(state) || index + 1 < this.epochs.length;
      if (isOver && witness !== undefined) {
        found.push(`nothing ended the term of epoch ${epoch}, and yet: ${operationText(witness)}`);
      }
    }
    return found;
  }

  contradictions(): string[] {
    const found: string[] = [];
    let latest: Bound | undefined;
    for (let state = 0; state <= 2 * this.epochs.length; state += 1) {
      const from = this.from.get(state);
      if (from !== undefined && (latest === undefined || from.atMs > latest.atMs)) latest = from;
      const to = this.to.get(state);
      if (latest === undefined || to === undefined || latest.atMs <= to.atMs) continue;
      found.push(`out of order: ${operationText(latest.by)}; ${operationText(to.by)}`);
    }
    return found;
  }

  private notBefore(state: number, bound: Bound): void {
    const known = this.from.get(state);
    if (known === undefined || bound.atMs > known.atMs) this.from.set(state, bound);
  }

  private place(epoch: number): number {
    return this.places.get(epoch) ?? 0;
  }
}
