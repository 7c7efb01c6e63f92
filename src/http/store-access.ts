// How routes come to the store: not there yet is `unavailable`, and a fenced write without a session is the store's to refuse.
import type { AgentView } from '../coordination/agent-view.ts';
import { StoreUnavailable } from '../domain/refusal.ts';
import type { MetadataStore } from '../store/metadata-store.ts';
import type { Fence } from '../store/segments.ts';

/** No session ever has this id: under it the store answers `fenced` or `no_lease` with the facts. */
const noSession = '00000000-0000-0000-0000-000000000000';

export function storeOf(agent: AgentView): MetadataStore {
  if (agent.store !== undefined) return agent.store;
  const why = agent.status().detail;
  throw new StoreUnavailable(`the metadata store is not open yet${why === null ? '' : ` (${why})`}`, {
    outcomeUnknown: false,
  });
}

/** A request names its epoch; the session is the serving agent's own. */
export function fenceOf(agent: AgentView, epoch: number): Fence {
  return { sessionId: agent.sessionId ?? noSession, epoch };
}
