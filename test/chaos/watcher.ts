// Reads all leases again and again, straight from the store: what is seen of them between two faults.
import { setTimeout as sleep } from 'node:timers/promises';
import { Refusal, StoreUnavailable } from '../../src/domain/refusal.ts';
import type { MetadataStore } from '../../src/store/metadata-store.ts';
import type { History } from './history.ts';
import { rawTopic } from './raw-client.ts';

export interface WatchOptions {
  readonly history: History;
  readonly topic: string;
  readonly signal: AbortSignal;
}

const everyMs = 100;

export async function watchLeases(
  store: MetadataStore,
  { history, topic, signal }: WatchOptions,
): Promise<void> {
  while (!signal.aborted) {
    const invokedMs = performance.now();
    try {
      const { items } = await store.listPartitionLeases({ topic }, { limit: 10_000 });
      const returnedMs = performance.now();
      for (const { key, agentId, epoch } of items) {
        if (key.kind !== 'partition') continue;
        // The store's own clients are known by their sessions, which a lease as clients see it does not show.
        const seen =
          agentId === null
            ? ({ kind: 'vacant', epoch } as const)
            : topic === rawTopic
              ? ({ kind: 'current', epoch } as const)
              : ({ kind: 'held', epoch, holder: agentId } as const);
        history.note({
          lease: `${topic}/${key.partition}`,
          client: 'watcher',
          invokedMs,
          returnedMs,
          what: seen,
        });
      }
    } catch (error) {
      if (!(error instanceof StoreUnavailable || error instanceof Refusal)) throw error;
    }
    await sleep(everyMs, undefined, { signal }).catch(() => undefined);
  }
}
