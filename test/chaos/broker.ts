// A broker beside an agent, made of the client library: it appends to whatever it leads, and now and then under a term of which it knows that it
// is over, straight to its agent. What it did and was told goes into the history.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import {
  Fenced,
  type NewSegment,
  StreamhouseClient,
  StreamhouseError,
  type Term,
} from '../../src/client/client.ts';
import type { History, What } from './history.ts';
import { leaseText, type TermBoard } from './term-board.ts';

export interface SentAppend {
  readonly lease: string;
  readonly id: string;
  readonly epoch: number;
  readonly agentId: string;
  readonly baseOffset: number;
  readonly endOffset: number;
  readonly invokedMs: number;
}

export interface BrokerNotes {
  readonly history: History;
  readonly board: TermBoard;
  readonly random: () => number;
  readonly acknowledged: SentAppend[];
  /** Sent, and no answer: stored or not. */
  readonly unknown: SentAppend[];
  readonly stale: { refused: number; accepted: number; unanswered: number };
  readonly surprises: string[];
}

const recordsMax = 10;
/** Between two appends to one partition, on average. */
const pauseMs = 400;
const staleEveryMs = 400;
const refusalForm = z.looseObject({ code: z.string(), currentEpoch: z.number().optional() });

export class ChaosBroker implements AsyncDisposable {
  private readonly agentId: string;
  private readonly url: string;
  private readonly notes: BrokerNotes;
  private readonly client: StreamhouseClient;
  private readonly over = new Map<string, number>();
  private readonly stop = new AbortController();
  private readonly working: Promise<unknown>;

  constructor(agentId: string, url: string, notes: BrokerNotes) {
    this.agentId = agentId;
    this.url = url;
    this.notes = notes;
    this.client = new StreamhouseClient({ url, requestTimeoutMs: 2_000, closeTimeoutMs: 1_000 });
    this.working = Promise.all([
      this.client.run({ onTerm: (term) => this.lead(term) }),
      this.writeUnderPastTerms(),
    ]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop.abort();
    await this.client.close();
    await this.working;
  }

  private async lead(term: Term): Promise<void> {
    const { board, random } = this.notes;
    board.begin(this.agentId, term);
    const toldMs = performance.now();
    this.note(leaseText(term), toldMs, { kind: 'granted', epoch: term.epoch, holder: this.agentId });
    term.signal.addEventListener('abort', () => this.over.set(leaseText(term), term.epoch));
    while (!term.revoking.aborted) {
      await this.append(term);
      await sleep(pauseMs * (0.5 + random()), undefined, { signal: term.revoking }).catch(() => undefined);
    }
  }

  private async append(term: Term): Promise<void> {
    const { acknowledged, unknown } = this.notes;
    const { epoch } = term;
    const lease = leaseText(term);
    let sent: SentAppend | undefined;
    try {
      const baseOffset = await term.highWatermark();
      const segment = this.segment(baseOffset);
      const { id, endOffset } = segment;
      const invokedMs = performance.now();
      sent = { lease, id, epoch, agentId: this.agentId, baseOffset, endOffset, invokedMs };
      await term.append(segment);
      this.note(lease, invokedMs, { kind: 'held', epoch, holder: this.agentId });
      acknowledged.push(sent);
    } catch (error) {
      if (!(error instanceof StreamhouseError)) throw error;
      if (sent === undefined) return;
      if (error instanceof Fenced && !error.facts.committed) this.refused(sent, error.facts.currentEpoch);
      // Whatever it says: if it is there at the end, it was accepted.
      unknown.push(sent);
    }
  }

  /** As a leader that never heard of its end. */
  private async writeUnderPastTerms(): Promise<void> {
    const { signal } = this.stop;
    const { board, random } = this.notes;
    while (!signal.aborted) {
      await sleep(staleEveryMs * (0.5 + random()), undefined, { signal }).catch(() => undefined);
      const [past] = [...this.over].filter(([lease, epoch]) => board.isOver(lease, epoch));
      if (past === undefined || signal.aborted) continue;
      this.over.delete(past[0]);
      await this.writeStale(...past);
    }
  }

  private async writeStale(lease: string, epoch: number): Promise<void> {
    const [topic, partition] = lease.split('/');
    const { stale, unknown } = this.notes;
    const path = `${this.url}/v1/topics/${topic}/partitions/${partition}`;
    const signal = AbortSignal.timeout(2_000);
    try {
      const state = z
        .looseObject({ highWatermark: z.number() })
        .parse(await (await fetch(path, { signal })).json());
      const segment = this.segment(state.highWatermark);
      const sent = { lease, epoch, agentId: this.agentId, invokedMs: performance.now(), ...segment };
      unknown.push(sent);
      const answer = await fetch(`${path}/segments`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ...segment, epoch }),
        signal,
      });
      if (answer.ok) {
        stale.accepted += 1;
        this.note(lease, sent.invokedMs, { kind: 'held', epoch, holder: this.agentId });
        return;
      }
      const { code, currentEpoch } = refusalForm.parse(await answer.json());
      if (answer.status !== 409) throw new Error(`${answer.status} ${code}`);
      stale.refused += 1;
      this.refused(sent, currentEpoch);
    } catch {
      stale.unanswered += 1; // its agent is down, or without its store
    }
  }

  private refused({ lease, invokedMs }: SentAppend, currentEpoch: number | undefined): void {
    if (currentEpoch !== undefined) this.note(lease, invokedMs, { kind: 'current', epoch: currentEpoch });
  }

  private segment(baseOffset: number): NewSegment {
    const recordCount = 1 + Math.floor(this.notes.random() * recordsMax);
    const id = randomUUID();
    const endOffset = baseOffset + recordCount - 1;
    return { id, baseOffset, endOffset, recordCount, sizeBytes: 1, bucket: 'chaos', key: id };
  }

  private note(lease: string, invokedMs: number, what: What): void {
    const returnedMs = performance.now();
    this.notes.history.note({ lease, client: `broker ${this.agentId}`, invokedMs, returnedMs, what });
  }
}
