// Times every store operation, tells whether the last was answered, and counts the writes that the fence refused.
import { Refusal, StoreUnavailable } from '../domain/refusal.ts';
import type { MetadataStore } from '../store/metadata-store.ts';
import type { Instruments } from './instruments.ts';

const fencedNames: Readonly<Record<string, string>> = {
  appendSegments: 'append',
  advanceHighWatermark: 'high_watermark',
};

/** `store`, unchanged but for being watched. */
export function meteredStore(store: MetadataStore, instruments: Instruments): MetadataStore {
  const watch =
    (operation: string, run: (...args: unknown[]) => Promise<unknown>) =>
    async (...args: unknown[]): Promise<unknown> => {
      const end = instruments.storeOperationDuration.startTimer({ operation });
      try {
        const answer = await run(...args);
        end({ result: 'ok' });
        instruments.storeUp.set(1);
        return answer;
      } catch (error) {
        const refused = error instanceof Refusal;
        end({ result: refused ? 'refused' : 'failed' });
        // A fault of ours says nothing about the store.
        if (refused) instruments.storeUp.set(1);
        else if (error instanceof StoreUnavailable) instruments.storeUp.set(0);
        const fenced = fencedNames[operation];
        if (refused && error.code === 'fenced' && fenced) instruments.fencedWrites.inc({ operation: fenced });
        throw error;
      }
    };
  // A store is an object of operations by name: each is watched alike, so that none can be forgotten here.
  return new Proxy(store, {
    get(target, name, receiver) {
      const member: unknown = Reflect.get(target, name, receiver);
      if (typeof member !== 'function' || typeof name === 'symbol') return member;
      return watch(name, (...args) => Reflect.apply(member, target, args));
    },
  });
}
