// How routes come to the store: not there yet is `unavailable`, and a fenced write without a session is the store's to refuse.
import type { AgentView } from '../coordination/agent-view.ts';
import type { PartitionKey, Term } from '../domain/lease.ts';
import { StoreUnavailable } from '../domain/refusal.ts';
import type { ReleaseOutcome } from '../store/leases.ts';
import type { Lookups } from '../store/lookups.ts';
import type { MetadataStore } from '../store/metadata-store.ts';
import type { Fence } from '../store/segments.ts';

/** No session ever has this id: under it the store answers `fenced` or `no_lease` with the facts. */
const noSession = '00000000-0000-0000-0000-000000000000';

export function storeOf(agent: AgentView): MetadataStore {
  return agent.store ?? notOpen(agent);
}

/** What may be answered from memory; see the port. */
export function lookupsOf(agent: AgentView): Lookups {
  return agent.lookups ?? notOpen(agent);
}

function notOpen(agent: AgentView): never {
  const why = agent.status().detail;
  throw new StoreUnavailable(`the metadata store is not open yet${why === null ? '' : ` (${why})`}`, {
    outcomeUnknown: false,
  });
}

/** A request names its epoch; the session is the serving agent's own. */
export function fenceOf(agent: AgentView, epoch: number): Fence {
  return { sessionId: agent.sessionId ?? noSession, epoch };
}

/** Gives up the agent's own terms. Without a session there is nothing to give up, and the store says how the leases are. */
export async function acknowledged(
  agent: AgentView,
  terms: readonly (Term & { readonly key: PartitionKey })[],
): Promise<readonly ReleaseOutcome[]> {
  const store = storeOf(agent);
  if (agent.sessionId !== null) return agent.acknowledge(terms);
  return (await store.releaseLeases(noSession, terms, 'released')).outcomes;
}
