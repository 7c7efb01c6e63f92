// An agent's HTTP interface, as far as spectators and an operator use it. Every answer carries when it was asked for
// and when it came: trust is counted from the first, knowledge from the second.
import { z } from 'zod';
import type { NewSegment } from '../domain/segment.ts';
import type { Clock } from '../platform/clock.ts';
import { DemoFailed } from './patience.ts';
import type { Lease } from './history.ts';
import type { PartitionName } from './partition-name.ts';
import type { ReadSegment, StoredPartition } from './records.ts';

const epoch = z.int();

const heldBody = z.object({
  trustedForMs: z.number(),
  leases: z.array(z.object({ topic: z.string(), partition: z.int(), epoch })),
});
const selfBody = z.object({ coordinator: z.boolean() });
const leaseBody = z.object({
  topic: z.string(),
  partition: z.int(),
  agentId: z.string().nullable(),
  epoch,
});
const leasesBody = z.object({ leases: z.array(leaseBody) });
const historyBody = z.object({ history: z.array(z.object({ epoch })) });
const partitionBody = z.object({ partition: z.int(), highWatermark: z.int() });
const partitionsBody = z.object({ partitions: z.array(partitionBody) });
const segmentBody = z.object({
  id: z.string(),
  epoch,
  baseOffset: z.int(),
  endOffset: z.int(),
  key: z.string(),
});
const segmentsBody = z.object({ segments: z.array(segmentBody), nextCursor: z.string().optional() });
const problemBody = z.object({
  code: z.string(),
  detail: z.string().optional(),
  currentEpoch: epoch.optional(),
});

export type Problem = z.infer<typeof problemBody>;
export type Held = z.infer<typeof heldBody>;

interface Timed {
  readonly sentMs: number;
  readonly receivedMs: number;
}

export type Answer<T> = Timed &
  (
    | { readonly kind: 'ok'; readonly status: number; readonly body: T }
    | { readonly kind: 'problem'; readonly status: number; readonly problem: Problem }
    /** No answer: whether the request took effect is unknown. */
    | { readonly kind: 'silent'; readonly reason: string }
  );

/** A segment with the place and the term it is written to. */
export interface PlacedSegment extends PartitionName, NewSegment {
  readonly epoch: number;
}

/** Of one partition's segments at a time. Small, so that the read-back really pages. */
const pageSize = 50;

const timeoutMsDefault = 2_000;

export class AgentApi {
  readonly url: string;
  private readonly clock: Clock;

  constructor(url: string, clock: Clock) {
    this.url = url;
    this.clock = clock;
  }

  async isReady(): Promise<boolean> {
    const answer = await this.ask('GET', '/readyz', z.string());
    return answer.kind === 'ok';
  }

  async isCoordinator(): Promise<boolean> {
    const answer = await this.ask('GET', '/v1/agent', selfBody);
    return answer.kind === 'ok' && answer.body.coordinator;
  }

  held(timeoutMs: number): Promise<Answer<Held>> {
    return this.ask('GET', '/v1/held', heldBody, { timeoutMs });
  }

  /** All of them: the demo has fewer than a page. */
  async leases(): Promise<Answer<{ readonly leases: readonly Lease[] }>> {
    return this.ask('GET', '/v1/leases', leasesBody);
  }

  /** The last term alone. Not from an agent's memory, as one lease may be. */
  lastTerm(topic: string, partition: number): Promise<Answer<z.infer<typeof historyBody>>> {
    return this.ask('GET', `/v1/leases/${topic}/${partition}/history?limit=1`, historyBody);
  }

  partition(topic: string, partition: number): Promise<Answer<{ readonly highWatermark: number }>> {
    return this.ask('GET', `/v1/topics/${topic}/partitions/${partition}`, partitionBody);
  }

  createTopic(name: string, partitionCount: number): Promise<Answer<unknown>> {
    return this.ask('POST', '/v1/topics', z.unknown(), { body: { name, partitionCount } });
  }

  deleteTopic(name: string): Promise<Answer<unknown>> {
    return this.ask('DELETE', `/v1/topics/${name}`, z.unknown());
  }

  /** As an operator asks for it. */
  move({ topic, partition }: PartitionName, to: string): Promise<Answer<unknown>> {
    return this.ask('POST', `/v1/leases/${topic}/${partition}/move`, z.unknown(), { body: { to } });
  }

  append({ topic, partition, ...body }: PlacedSegment): Promise<Answer<unknown>> {
    return this.ask('POST', `/v1/topics/${topic}/partitions/${partition}/segments`, z.unknown(), { body });
  }

  /** Everything a topic holds. Fails when an answer is missing: half a read proves nothing. */
  async readBack(topic: string): Promise<StoredPartition[]> {
    const path = `/v1/topics/${topic}/partitions`;
    const { partitions } = bodyOf(await this.ask('GET', path, partitionsBody), `the partitions of ${topic}`);
    const stored: StoredPartition[] = [];
    for (const { partition, highWatermark } of partitions) {
      stored.push({ topic, partition, highWatermark, segments: await this.segments(topic, partition) });
    }
    return stored;
  }

  private async segments(topic: string, partition: number): Promise<readonly ReadSegment[]> {
    const path = `/v1/topics/${topic}/partitions/${partition}/segments?from=0&limit=${pageSize}`;
    const segments: ReadSegment[] = [];
    let cursor: string | undefined;
    do {
      const next = cursor === undefined ? path : `${path}&cursor=${encodeURIComponent(cursor)}`;
      const answer = await this.ask('GET', next, segmentsBody);
      const page = bodyOf(answer, `the segments of ${topic}/${partition}`);
      segments.push(...page.segments);
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    return segments;
  }

  private async ask<T>(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    form: z.ZodType<T>,
    { body, timeoutMs = timeoutMsDefault }: { readonly body?: object; readonly timeoutMs?: number } = {},
  ): Promise<Answer<T>> {
    const sentMs = this.clock.monotonicMs();
    const timed = (): Timed => ({ sentMs, receivedMs: this.clock.monotonicMs() });
    let status: number;
    let text: string;
    try {
      const response = await fetch(new URL(path, this.url), {
        method,
        signal: AbortSignal.timeout(timeoutMs),
        ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
      });
      status = response.status;
      text = await response.text();
    } catch (error) {
      // Refused, reset, or too late.
      return { kind: 'silent', reason: String(error), ...timed() };
    }
    if (status < 400) return { kind: 'ok', status, body: form.parse(parsed(text)), ...timed() };
    const problem = problemBody.safeParse(parsed(text));
    return {
      kind: 'problem',
      status,
      problem: problem.success ? problem.data : { code: `HTTP ${status}` },
      ...timed(),
    };
  }
}

/** What an answer says, when the demo cannot go on without it. */
export function bodyOf<T>(answer: Answer<T>, what: string): T {
  if (answer.kind === 'ok') return answer.body;
  throw new DemoFailed(`${what}: ${whyNot(answer)}`);
}

export function whyNot(answer: Exclude<Answer<unknown>, { kind: 'ok' }>): string {
  if (answer.kind === 'silent') return `no answer (${answer.reason})`;
  const { code, detail } = answer.problem;
  return `${answer.status} ${code}${detail === undefined ? '' : `: ${detail}`}`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
