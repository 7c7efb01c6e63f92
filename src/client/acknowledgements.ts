// Tells the agent which terms are given up. Those that come together go together, and an answer that was lost is asked for again: the
// agent holds the lease until it knows.
import { setImmediate } from 'node:timers/promises';
import { Backoff } from '../platform/backoff.ts';
import type { Clock } from '../platform/clock.ts';
import type { AgentHttp } from './agent-http.ts';
import type { ClientLog } from './client-log.ts';
import { Unavailable } from './errors.ts';
import type { PartitionTerm } from './wire-event.ts';

export interface AcknowledgementDeps {
  readonly http: AgentHttp;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: ClientLog;
  /** Ends what is still waiting to be told. */
  readonly signal: AbortSignal;
}

interface Waiting {
  readonly term: PartitionTerm;
  readonly done: () => void;
}

/** A thousand of the longest names are far below the 1 MiB of a body. */
const batchMax = 1_000;
const retryFirstMs = 50;
const retryMaxMs = 1_000;

export class Acknowledgements {
  private readonly deps: AcknowledgementDeps;
  private waiting: Waiting[] = [];
  private sending = false;

  constructor(deps: AcknowledgementDeps) {
    this.deps = deps;
  }

  /** Resolves when the agent has answered for this term: released, or no longer its own. Never rejects. */
  async tell({ topic, partition, epoch }: PartitionTerm): Promise<void> {
    return new Promise((done) => {
      this.waiting.push({ term: { topic, partition, epoch }, done });
      if (!this.sending) void this.sendAll();
    });
  }

  private async sendAll(): Promise<void> {
    this.sending = true;
    // To the end of this turn: callbacks that a burst of revokes has ended all return in it.
    await setImmediate();
    while (this.waiting.length > 0) {
      const batch = this.waiting.slice(0, batchMax);
      this.waiting = this.waiting.slice(batchMax);
      await this.send(batch.map(({ term }) => term));
      for (const { done } of batch) done();
    }
    this.sending = false;
  }

  private async send(leases: readonly PartitionTerm[]): Promise<void> {
    const { http, clock, random, log, signal } = this.deps;
    const backoff = new Backoff({ firstMs: retryFirstMs, maxMs: retryMaxMs, random });
    while (!signal.aborted) {
      try {
        await http.ask({ method: 'POST', path: ['v1', 'held', 'released'], body: { leases } });
        return;
      } catch (error) {
        if (!(error instanceof Unavailable)) {
          log.error({ err: error, leases: leases.length }, 'the agent refuses an acknowledgement');
          return;
        }
        const waitMs = error.retryAfterMs ?? backoff.nextMs();
        log.debug({ err: error, leases: leases.length, retryInMs: waitMs }, 'acknowledgement not answered');
        await clock.sleep(waitMs, signal);
      }
    }
  }
}
