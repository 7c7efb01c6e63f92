// Watches partitions that are to go elsewhere until each is led under a newer epoch: seen from outside, through the interface of an agent
// that lives. The times are upper bounds: what the last look did not show, and this one does.
import type { AgentApi } from './api.ts';
import type { Lease } from './history.ts';
import { partitionText } from './partition-name.ts';
import { type Patience, until } from './patience.ts';

export interface Takeover {
  /** From `sinceMs` until the first, and the last, of the partitions was seen led again. */
  readonly firstMs: number;
  readonly lastMs: number;
}

const lookEveryMs = 20;

export async function watchTakeover(
  patience: Patience,
  api: AgentApi,
  { orphans, sinceMs }: { readonly orphans: readonly Lease[]; readonly sinceMs: number },
  timeoutMs: number,
): Promise<Takeover> {
  const takenMs = new Map<string, number>();
  const wait = { what: `${orphans.length} partitions to be led again`, timeoutMs, everyMs: lookEveryMs };
  await until(patience, wait, async () => {
    const answer = await api.leases();
    if (answer.kind !== 'ok') return undefined;
    const now = new Map(answer.body.leases.map((lease) => [partitionText(lease), lease]));
    for (const orphan of orphans) {
      const text = partitionText(orphan);
      const lease = now.get(text);
      if (lease === undefined || lease.agentId === null || lease.epoch <= orphan.epoch) continue;
      if (!takenMs.has(text)) takenMs.set(text, answer.receivedMs - sinceMs);
    }
    return takenMs.size === orphans.length || undefined;
  });
  const times = [...takenMs.values()];
  return { firstMs: Math.min(...times), lastMs: Math.max(...times) };
}
