// Watches a departed agent's partitions until each is led by another: seen from outside, through the interface of an agent
// that lives. The times are upper bounds: what the last look did not show, and this one does.
import type { AgentApi } from './api.ts';
import { type Lease, partitionText } from './history.ts';
import { type Patience, until } from './patience.ts';

export interface Takeover {
  readonly after: readonly Lease[];
  /** From `sinceMs` until the first, and the last, of the partitions was seen led again. */
  readonly firstMs: number;
  readonly lastMs: number;
}

const lookEveryMs = 20;

export async function watchTakeover(
  patience: Patience,
  api: AgentApi,
  departed: { readonly agentId: string; readonly before: readonly Lease[]; readonly sinceMs: number },
  timeoutMs: number,
): Promise<Takeover> {
  const { agentId, before, sinceMs } = departed;
  const orphans = before.filter((lease) => lease.agentId === agentId);
  const takenMs = new Map<string, number>();
  const wait = { what: `the partitions of ${agentId} to be led again`, timeoutMs, everyMs: lookEveryMs };
  const after = await until(patience, wait, async () => {
    const answer = await api.leases();
    if (answer.kind !== 'ok') return undefined;
    const now = new Map(answer.body.leases.map((lease) => [partitionText(lease), lease]));
    for (const orphan of orphans) {
      const text = partitionText(orphan);
      const lease = now.get(text);
      if (lease === undefined || lease.agentId === null || lease.epoch <= orphan.epoch) continue;
      if (!takenMs.has(text)) takenMs.set(text, answer.receivedMs - sinceMs);
    }
    return takenMs.size === orphans.length ? answer.body.leases : undefined;
  });
  const times = [...takenMs.values()];
  return { after, firstMs: Math.min(...times), lastMs: Math.max(...times) };
}
