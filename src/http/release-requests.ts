// An operator's wish that a holder, wherever it is, gives a lease up: written where its agent reads it.
import type { LeaseKey } from '../domain/lease.ts';
import type { MetadataStore } from '../store/metadata-store.ts';

export type ReleaseRequestAnswer =
  | { readonly outcome: 'asked'; readonly agentId: string; readonly epoch: number }
  | { readonly outcome: 'vacant'; readonly epoch: number };

export interface ReleaseRequests {
  /** Refuses: `not_found`; `fenced` when another epoch was expected. */
  requestRelease(key: LeaseKey, expectedEpoch: number | null): Promise<ReleaseRequestAnswer>;
}

/** Undefined when the store cannot carry such wishes. */
export function releaseRequestsOf(store: MetadataStore): ReleaseRequests | undefined {
  return canRequestRelease(store) ? store : undefined;
}

function canRequestRelease(store: object): store is ReleaseRequests {
  return 'requestRelease' in store && typeof store.requestRelease === 'function';
}
