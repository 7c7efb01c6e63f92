// One role's race among the candidates beside this agent: who waits in which order, and what becomes of the term that the agent
// holds for them. The lease names only the session; that no two candidates act under one epoch is decided here.
import type { Candidate } from './candidate.ts';

/** What this agent has of the role. */
export type Tenure =
  | { readonly is: 'none' }
  | { readonly is: 'led'; readonly epoch: number; readonly by: Candidate; readonly since: Date }
  /** Nobody may act under it any more, as far as they were told. It is released at `releaseAtMs`, or sooner. */
  | {
      readonly is: 'leaving';
      readonly epoch: number;
      /** Who was told to stop and has not said yet that it has. */
      readonly awaited: Candidate | undefined;
      /** The name of who was told to stop for others to have the role. */
      readonly told: string | undefined;
      /** Monotonic. */
      readonly releaseAtMs: number;
      /** The release was begun: only its end, or the session's, changes anything now. */
      readonly isReleasing: boolean;
    };

const none: Tenure = { is: 'none' };

export class Race {
  readonly role: string;
  /** Before this the agent does not campaign, so that others may win; monotonic. */
  notBeforeMs = 0;
  private queue: Candidate[] = [];
  private now: Tenure = none;
  /** The highest epoch that a candidate was given: the next one's is higher. */
  private newestEpoch = -1;

  constructor(role: string) {
    this.role = role;
  }

  get tenure(): Tenure {
    return this.now;
  }

  get candidates(): readonly Candidate[] {
    return this.queue;
  }

  find(name: string): Candidate | undefined {
    return this.queue.find((candidate) => candidate.name === name);
  }

  leads(candidate: Candidate): boolean {
    return this.now.is === 'led' && this.now.by === candidate;
  }

  /** Whether it was told to stop and has not said yet that it has. */
  awaits(candidate: Candidate): boolean {
    return this.now.is === 'leaving' && this.now.awaited === candidate;
  }

  /** To the end of the queue. */
  enter(candidate: Candidate): void {
    this.queue.push(candidate);
  }

  /**
   * The agent holds the role: its term is the head's, who is answered. A term that nobody wants, or that somebody had
   * already, is given up. Asking twice about one term is fine.
   */
  begin(epoch: number, since: Date): Candidate | undefined {
    if (this.now.is !== 'none') return undefined;
    const [head] = this.queue;
    if (head === undefined || epoch <= this.newestEpoch) {
      this.giveUp(epoch, undefined, 0);
      return undefined;
    }
    this.newestEpoch = epoch;
    this.now = { is: 'led', epoch, by: head, since };
    return head;
  }

  /** Out of the race. Who leaves has stopped acting, so its term is released at once. */
  leave(candidate: Candidate): void {
    this.queue = this.queue.filter((other) => other !== candidate);
    const { now } = this;
    if (now.is === 'led' && now.by === candidate) this.giveUp(now.epoch, undefined, 0);
    else if (now.is === 'leaving' && now.awaited === candidate) {
      this.now = { ...now, awaited: undefined, releaseAtMs: 0 };
    }
  }

  /** Who leads is told to stop: to the end of the queue, and the term is released when it leaves, at the latest then. */
  standDown(releaseAtMs: number): void {
    if (this.now.is !== 'led') return;
    const { by, epoch } = this.now;
    this.queue = [...this.queue.filter((other) => other !== by), by];
    this.giveUp(epoch, by, releaseAtMs);
  }

  /** The release is on its way. */
  releasing(): void {
    if (this.now.is === 'leaving') this.now = { ...this.now, isReleasing: true };
  }

  /** This agent does not hold the role any more. */
  over(): void {
    this.now = none;
  }

  /** Released because who led was told to stop, and nobody else here wants the role: others are let go first, until then. */
  standBack(untilMs: number): void {
    const { now } = this;
    if (now.is !== 'leaving' || now.told === undefined) return;
    if (this.queue.every(({ name }) => name === now.told)) this.notBeforeMs = untilMs;
  }

  private giveUp(epoch: number, awaited: Candidate | undefined, releaseAtMs: number): void {
    const told = awaited?.name;
    this.now = { is: 'leaving', epoch, awaited, told, releaseAtMs, isReleasing: false };
  }
}
