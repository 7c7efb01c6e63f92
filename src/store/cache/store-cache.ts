// The cache as it stands beside a store: lookups from memory for clients, the store itself for everything else, and signals that say what
// other agents changed.
import type { Signals } from '../../signals/signals.ts';
import type { Lookups } from '../lookups.ts';
import type { MetadataStore } from '../metadata-store.ts';
import { CachedLookups, type CachedLookupsDeps } from './cached-lookups.ts';
import { tellingStore } from './telling-store.ts';

export interface StoreCacheDeps extends Omit<CachedLookupsDeps, 'tellsOf'> {
  readonly signals: Pick<Signals, 'subscribe' | 'tellsOf'>;
}

export class StoreCache implements Disposable {
  /** For clients, and never for what an agent does. */
  readonly lookups: Lookups;
  /** Answers from the store alone. All writes must go through it, so that lookups hear of them at once. */
  readonly store: MetadataStore;
  private readonly unsubscribe: () => void;

  constructor(real: MetadataStore, { signals, ...deps }: StoreCacheDeps) {
    const lookups = new CachedLookups(real, { ...deps, tellsOf: (kind) => signals.tellsOf(kind) });
    this.lookups = lookups;
    this.store = tellingStore(real, lookups);
    this.unsubscribe = signals.subscribe((kind) => lookups.hear(kind));
  }

  [Symbol.dispose](): void {
    this.unsubscribe();
  }
}
