// Producers that never give up: a batch is sent again, to whomever leads, until somebody says that it is stored. Only then comes the next
// one of the same producer to the same partition.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { PartitionName } from '../../src/demo/history.ts';
import type { AcknowledgedBatch, ProducedRecord, SentBatch } from '../../src/demo/records.ts';
import { pick } from './seeded-random.ts';

export interface ProducersOptions {
  readonly partitions: readonly PartitionName[];
  /** Brokers to ask when nobody knows better. */
  readonly addresses: readonly string[];
  readonly producersPerPartition: number;
  readonly random: () => number;
}

const placeForm = z.looseObject({ baseOffset: z.number(), endOffset: z.number() });
const batchRecordsMax = 10;
const betweenBatchesMs = 150;
const beforeRetryMs = 40;
const attemptTimeoutMs = 4_000;

export class Producers {
  readonly sent: SentBatch[] = [];
  readonly acknowledged: AcknowledgedBatch[] = [];
  /** Attempts that had to be made again. */
  retries = 0;
  private readonly options: ProducersOptions;
  private readonly leaders = new Map<string, string>();
  /** Batches under way, with the latest answer to each. */
  private readonly underWay = new Map<SentBatch, string>();

  constructor(options: ProducersOptions) {
    this.options = options;
  }

  /** Until `signal` aborts; then each has its last batch acknowledged, unless `abandon` aborts and nobody wants to know any more. */
  async run(signal: AbortSignal, abandon: AbortSignal = new AbortController().signal): Promise<void> {
    const { partitions, producersPerPartition } = this.options;
    const lanes = partitions.flatMap((name) =>
      Array.from({ length: producersPerPartition }, (_, index) =>
        this.produce(`p${index}`, name, signal, abandon),
      ),
    );
    await Promise.all(lanes);
  }

  /** What is not acknowledged yet, in words. */
  get open(): string[] {
    return [...this.underWay].map(
      ([{ topic, partition, id }, answer]) => `${topic}/${partition} ${id}: ${answer}`,
    );
  }

  private async produce(
    producer: string,
    name: PartitionName,
    signal: AbortSignal,
    abandon: AbortSignal,
  ): Promise<void> {
    const { random } = this.options;
    for (let seq = 0; !signal.aborted;) {
      const count = 1 + Math.floor(random() * batchRecordsMax);
      const records: ProducedRecord[] = Array.from({ length: count }, (_, index) => ({
        producer,
        seq: seq + index,
      }));
      seq += count;
      const batch: SentBatch = { ...name, id: randomUUID(), records };
      this.sent.push(batch);
      const place = await this.sendUntilStored(batch, abandon);
      if (place === undefined) return;
      this.acknowledged.push({ batch, ...place });
      await sleep(betweenBatchesMs * (0.5 + random()), undefined, { signal }).catch(() => undefined);
    }
  }

  private async sendUntilStored(batch: SentBatch, abandon: AbortSignal): Promise<Place | undefined> {
    const { addresses, random } = this.options;
    const name = `${batch.topic}/${batch.partition}`;
    while (!abandon.aborted) {
      const address = this.leaders.get(name) ?? pick(random, addresses);
      const answer = await attempt(address, batch);
      this.underWay.set(batch, `${address}: ${answer.kind === 'unknown' ? answer.why : answer.kind}`);
      if (answer.kind === 'stored') {
        this.underWay.delete(batch);
        this.leaders.set(name, address);
        return answer.place;
      }
      if (answer.kind === 'elsewhere') this.leaders.set(name, answer.address);
      else this.leaders.delete(name);
      this.retries += 1;
      await sleep(beforeRetryMs * (0.5 + random()));
    }
    return undefined;
  }
}

interface Place {
  readonly baseOffset: number;
  readonly endOffset: number;
}

type Attempt =
  | { readonly kind: 'stored'; readonly place: Place }
  | { readonly kind: 'elsewhere'; readonly address: string }
  | { readonly kind: 'unknown'; readonly why: string };

async function attempt(address: string, { topic, partition, id, records }: SentBatch): Promise<Attempt> {
  try {
    const answer = await fetch(`http://${address}/produce/${topic}/${partition}`, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ id, records }),
      signal: AbortSignal.timeout(attemptTimeoutMs),
    });
    const body: unknown = await answer.json();
    if (answer.status === 200) return { kind: 'stored', place: placeForm.parse(body) };
    const location = answer.headers.get('location');
    if (location !== null) return { kind: 'elsewhere', address: new URL(location).host };
    return { kind: 'unknown', why: `${answer.status} ${JSON.stringify(body)}` };
  } catch (error) {
    return { kind: 'unknown', why: String(error) };
  }
}
