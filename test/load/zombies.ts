// Writes from the past: remembers every epoch that a partition was seen under, and appends under one that is over, straight to an
// agent, again and again. None may get through.
import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { ZombieAppend } from '../../src/demo/records.ts';
import { pick } from './seeded-random.ts';

const leasesForm = z.object({
  leases: z.array(z.object({ topic: z.string(), partition: z.number(), epoch: z.number() })),
});
const partitionForm = z.looseObject({ highWatermark: z.number() });
const problemForm = z.looseObject({ code: z.string().optional() });

const everyMs = 150;
const timeoutMs = 1_500;

export interface ZombiesOptions {
  /** Of agents, or of what stands before them. */
  readonly urls: readonly string[];
  /** The directory that plays the object store: whoever reads what got through finds a record of nobody. */
  readonly data: string;
  readonly random: () => number;
}

export class Zombies {
  readonly appends: ZombieAppend[] = [];
  private readonly options: ZombiesOptions;
  /** The lowest epoch seen, and the latest. */
  private readonly epochs = new Map<string, { readonly first: number; readonly latest: number }>();

  constructor(options: ZombiesOptions) {
    this.options = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      // An agent that is down, or frozen, or without its store, says nothing; that is not what is looked at here.
      await this.once().catch(() => undefined);
      await sleep(everyMs, undefined, { signal }).catch(() => undefined);
    }
  }

  private async once(): Promise<void> {
    const { urls, random } = this.options;
    const url = pick(random, urls);
    const { leases } = leasesForm.parse(await ask(`${url}/v1/leases`));
    for (const { topic, partition, epoch } of leases) {
      const name = `${topic}/${partition}`;
      const known = this.epochs.get(name);
      // Epoch 0 was nobody's.
      if (epoch > 0) this.epochs.set(name, { first: known?.first ?? epoch, latest: epoch });
    }
    const over = [...this.epochs].filter(([, { first, latest }]) => first < latest);
    if (over.length === 0) return;
    const [name, { first, latest }] = pick(random, over);
    const [topic = '', partition = ''] = name.split('/');
    await this.append(url, { topic, partition: Number(partition), epoch: first, currentEpoch: latest });
  }

  private async append(url: string, zombie: Omit<ZombieAppend, 'status' | 'code'>): Promise<void> {
    const { topic, partition, epoch } = zombie;
    const path = `${url}/v1/topics/${topic}/partitions/${partition}`;
    const { highWatermark } = partitionForm.parse(await ask(path));
    const id = `zombie-${randomUUID()}`;
    const key = `${topic}/${partition}/${epoch}/${id}.seg`;
    const file = join(this.options.data, key);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${JSON.stringify({ producer: id, seq: 0 })}\n`);
    const segment = {
      id,
      epoch,
      baseOffset: highWatermark,
      endOffset: highWatermark,
      recordCount: 1,
      sizeBytes: 1,
      bucket: 'zombies',
      key,
    };
    const answer = await fetch(`${path}/segments`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(segment),
      signal: AbortSignal.timeout(timeoutMs),
    });
    const { code } = problemForm.parse(await answer.json());
    if (answer.status !== 503) this.appends.push({ ...zombie, status: answer.status, code });
  }
}

async function ask(url: string): Promise<unknown> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
  return answer.json();
}
