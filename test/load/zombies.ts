// Writes from the past: remembers every epoch that a partition was seen under, and appends under one that is over, straight to an
// agent, again and again. None may get through.
import { setTimeout as sleep } from 'node:timers/promises';
import { AgentApi, bodyOf } from '../../src/demo/api.ts';
import { type PartitionName, partitionText } from '../../src/demo/partition-name.ts';
import { pick } from '../../src/demo/pick.ts';
import type { ZombieAppend } from '../../src/demo/records.ts';
import { appendFromThePast } from '../../src/demo/zombie.ts';
import { systemClock } from '../../src/platform/clock.ts';

const everyMs = 150;

export interface ZombiesOptions {
  /** Of agents, or of what stands before them. */
  readonly urls: readonly string[];
  /** The directory that plays the object store. */
  readonly data: string;
  readonly random: () => number;
}

interface Seen extends PartitionName {
  readonly first: number;
  readonly latest: number;
}

export class Zombies {
  readonly appends: ZombieAppend[] = [];
  private readonly options: ZombiesOptions;
  /** The lowest epoch seen, and the latest. */
  private readonly epochs = new Map<string, Seen>();

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
    const { urls, random, data } = this.options;
    const url = pick(random, urls);
    const api = new AgentApi(url, systemClock);
    const { leases } = bodyOf(await api.leases(), 'the leases');
    for (const { topic, partition, epoch } of leases) {
      const name = partitionText({ topic, partition });
      const first = this.epochs.get(name)?.first ?? epoch;
      // Epoch 0 was nobody's.
      if (epoch > 0) this.epochs.set(name, { topic, partition, first, latest: epoch });
    }
    const over = [...this.epochs.values()].filter(({ first, latest }) => first < latest);
    if (over.length === 0) return;
    const { topic, partition, first } = pick(random, over);
    const append = await appendFromThePast(api, { topic, partition, epoch: first }, { through: url, data });
    if (append !== undefined) this.appends.push(append);
  }
}
