// Times every store operation, and counts the writes that the fence refused.
import { Refusal } from '../domain/refusal.ts';
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
        return answer;
      } catch (error) {
        const refused = error instanceof Refusal;
        end({ result: refused ? 'refused' : 'failed' });
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
