// A broker in small: writes segments to the partitions that the agent beside it holds. It obeys what the interface asks of a
// broker: ask before use, count the trust from when the question was SENT, stop at that deadline whatever happens, and take a
// request without an answer for an unknown outcome: the same id again, never a new one.
import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type { Clock } from '../platform/clock.ts';
import type { AgentApi, Answer, Held } from './api.ts';
import { recordClaims } from './claims.ts';
import type { History, PlacedSegment } from './history.ts';

export interface BrokerDeps {
  readonly api: AgentApi;
  readonly clock: Clock;
  readonly history: History;
  readonly random: () => number;
}

export interface BrokerOptions {
  /** Under which name its agent's claims are recorded. */
  readonly holder: string;
}

interface Term {
  readonly topic: string;
  readonly partition: number;
  readonly epoch: number;
}

interface Pending {
  readonly segment: PlacedSegment;
  readonly sentMs: number;
}

const askEveryMs = 100;
const askTimeoutMs = 500;
/** Between two segments of one partition, on average. */
const pauseMs = 200;
/** Before the same request is sent again, or a lapsed lease is looked at again. */
const retryMs = 50;
const recordsMax = 100;
const recordBytes = 128;

/** The lease is another's now: nothing to be tried again. */
const leaseGone = new Set(['fenced', 'no_lease', 'session_lost']);

export class Broker {
  private readonly deps: BrokerDeps;
  private readonly options: BrokerOptions;
  private held = new Set<string>();
  /** Terms a write was refused under; an older answer of the agent may still name them. */
  private readonly gone = new Set<string>();
  private readonly writers = new Map<string, Promise<void>>();
  private deadlineMs = -Infinity;
  private usedMs = -Infinity;
  private failure: unknown;

  constructor(deps: BrokerDeps, options: BrokerOptions) {
    this.deps = deps;
    this.options = options;
  }

  /** Behind this moment it uses none of its leases, unless its agent answers again. */
  get trustedUntilMs(): number {
    return this.deadlineMs;
  }

  /** When it last sent a write. */
  get lastWriteMs(): number {
    return this.usedMs;
  }

  /** Works until `signal` aborts; resolves when its last request has its answer. */
  async run(signal: AbortSignal): Promise<void> {
    const { api, clock } = this.deps;
    setMaxListeners(0, signal); // a writer per partition sleeps on it; more than ten are no leak
    while (!signal.aborted) {
      const answer = await api.held(askTimeoutMs);
      if (answer.kind === 'ok') this.take(answer, signal);
      await clock.sleep(askEveryMs, signal);
      if (this.failure !== undefined) throw this.failure;
    }
    await Promise.all(this.writers.values());
    if (this.failure !== undefined) throw this.failure;
  }

  private take(answer: Extract<Answer<Held>, { kind: 'ok' }>, signal: AbortSignal): void {
    const { trustedForMs, leases } = answer.body;
    this.deadlineMs = answer.sentMs + trustedForMs;
    // Without trust the agent names no lease. They may come back under the same epochs: writers wait, past their deadline.
    if (trustedForMs <= 0) return;
    recordClaims(this.deps.history, this.options.holder, answer);
    this.held = new Set(leases.map(termText));
    for (const term of leases) {
      const text = termText(term);
      if (this.gone.has(text) || this.writers.has(text)) continue;
      this.writers.set(text, this.writeUntilGone(term, signal));
    }
  }

  private async writeUntilGone(term: Term, signal: AbortSignal): Promise<void> {
    try {
      await this.write(term, signal);
    } catch (error) {
      this.failure ??= error; // an answer that could not be understood: `run` fails with it
    } finally {
      this.writers.delete(termText(term));
    }
  }

  private async write(term: Term, signal: AbortSignal): Promise<void> {
    const { clock, random } = this.deps;
    const text = termText(term);
    let next: number | undefined;
    let pending: Pending | undefined;
    while (!signal.aborted && this.held.has(text) && !this.gone.has(text)) {
      const nowMs = clock.monotonicMs();
      if (nowMs >= this.deadlineMs) {
        await clock.sleep(retryMs, signal);
        continue;
      }
      if (pending === undefined) {
        // Read after the grant: nothing under an older epoch can be stored any more, so this is where we go on.
        next ??= await this.highWatermark(term);
        if (next === undefined) {
          await clock.sleep(retryMs, signal);
          continue;
        }
        pending = { segment: this.segment(term, next), sentMs: clock.monotonicMs() };
        // The answer may have taken long.
        if (pending.sentMs >= this.deadlineMs) {
          pending = undefined;
          continue;
        }
        this.deps.history.sent.push(pending.segment);
      }
      const outcome = await this.send(pending);
      if (outcome === 'gone') this.gone.add(text);
      else if (outcome === 'stored') {
        next = pending.segment.endOffset + 1;
        pending = undefined;
      }
      await clock.sleep(outcome === 'stored' ? pauseMs * (0.5 + random()) : retryMs, signal);
    }
  }

  private async highWatermark({ topic, partition }: Term): Promise<number | undefined> {
    const answer = await this.deps.api.partition(topic, partition);
    return answer.kind === 'ok' ? answer.body.highWatermark : undefined;
  }

  private async send({ segment, sentMs }: Pending): Promise<'stored' | 'gone' | 'unknown'> {
    const { api, clock, history } = this.deps;
    this.usedMs = clock.monotonicMs();
    const answer = await api.append(segment);
    const stored = (): void => {
      const { receivedMs } = answer;
      history.acknowledged.push({ segment, holder: this.options.holder, sentMs, receivedMs });
    };
    if (answer.kind === 'ok') {
      stored();
      return 'stored';
    }
    if (answer.kind === 'silent' || answer.problem.code === 'unavailable') {
      history.unknown += 1;
      return 'unknown';
    }
    const { code, committed } = answer.problem;
    // Refused now, and stored by an earlier attempt whose answer was lost.
    if (committed === true) stored();
    if (leaseGone.has(code)) {
      history.fenced += 1;
      return 'gone';
    }
    history.surprises.push(
      `${this.options.holder}: append to ${segment.key} answered ${answer.status} ${code}`,
    );
    // A fault of the agent says nothing about the write.
    return answer.status >= 500 ? 'unknown' : 'gone';
  }

  private segment({ topic, partition, epoch }: Term, baseOffset: number): PlacedSegment {
    const recordCount = 1 + Math.floor(this.deps.random() * recordsMax);
    return {
      topic,
      partition,
      epoch,
      id: randomUUID(),
      baseOffset,
      endOffset: baseOffset + recordCount - 1,
      recordCount,
      sizeBytes: recordCount * recordBytes,
      bucket: 'demo',
      // The fence covers the record of the segment, not the upload: with the epoch in its key, no object overwrites another's.
      key: `${topic}/${partition}/${epoch}/${String(baseOffset).padStart(16, '0')}.segment`,
    };
  }
}

function termText({ topic, partition, epoch }: Term): string {
  return `${topic}/${partition}@${epoch}`;
}
