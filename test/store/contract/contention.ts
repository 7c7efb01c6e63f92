// The contract when many want the same at once, and when one wants much.
import { expect, test } from 'vitest';
import { COORDINATOR, partitionKey } from '../../../src/domain/lease.ts';
import type { AcquireOutcome } from '../../../src/store/leases.ts';
import type { MetadataStore } from '../../../src/store/metadata-store.ts';
import type { Backend, ContractDatabase } from './backend.ts';
import { acquireOne, all, join, orders, topic } from './samples.ts';

const agents = 50;

interface Candidate {
  readonly store: MetadataStore;
  readonly sessionId: string;
}

async function candidates(database: ContractDatabase): Promise<Candidate[]> {
  const stores = await Promise.all(Array.from({ length: 5 }, () => database.store()));
  return Promise.all(
    Array.from({ length: agents }, async (_, i) => {
      const store = stores[i % stores.length];
      if (!store) throw new Error('there are five stores');
      return { store, sessionId: await join(store, `a${i}`) };
    }),
  );
}

const count = (outcomes: readonly AcquireOutcome[], outcome: AcquireOutcome['outcome']): number =>
  outcomes.filter((each) => each.outcome === outcome).length;

export function contentionContract(backend: Backend): void {
  test.each([
    ['partition', orders],
    ['role', COORDINATOR],
  ] as const)('of 50 sessions that want one %s, one gets it and the others change no row', async (_, key) => {
    const database = await backend.database();
    const running = await candidates(database);
    const [{ store } = { store: await database.store() }] = running;
    await store.createTopic(topic('orders'));
    let outcomes: AcquireOutcome[] = [];
    const written = await database.rowsWritten(async () => {
      outcomes = await Promise.all(
        running.map((candidate) => acquireOne(candidate.store, candidate.sessionId, key)),
      );
    });
    expect(count(outcomes, 'granted')).toBe(1);
    expect(count(outcomes, 'held') + count(outcomes, 'busy')).toBe(agents - 1);
    const madeRole = key.kind === 'role' ? ['leases'] : [];
    expect(written).toEqual(['lease_history', ...madeRole, 'leases', 'sessions']);
    const epochs = outcomes.flatMap((each) => (each.outcome === 'granted' ? [each.epoch] : []));
    expect((await store.leaseHistory(key, 10)).map(({ epoch }) => epoch)).toEqual(epochs);
    expect((await store.getLease(key))?.epoch).toBe(epochs[0]);
  });

  test('what many want in different orders is granted to each once, and to nobody twice', async () => {
    const database = await backend.database();
    const stores = await Promise.all([
      database.store(),
      database.store(),
      database.store(),
      database.store(),
    ]);
    const [first] = stores;
    await first?.createTopic(topic('orders', 60));
    const keys = Array.from({ length: 60 }, (_, partition) => partitionKey('orders', partition));
    const answers = await Promise.all(
      stores.map(async (store, i) => {
        const sessionId = await join(store, `a${i}`);
        const mine = [...keys.slice(i * 15), ...keys.slice(0, i * 15)];
        return store.acquireLeases(sessionId, i % 2 === 0 ? mine : mine.toReversed());
      }),
    );
    const granted = answers
      .flatMap(({ outcomes }) => outcomes)
      .filter(({ outcome }) => outcome === 'granted');
    const partitions = granted.map(({ key }) => (key.kind === 'partition' ? key.partition : Number.NaN));
    expect(partitions.sort((a, b) => a - b)).toEqual([...new Set(partitions)]);
    const led = (await first?.listPartitionLeases({}, all))?.items.filter(({ agentId }) => agentId !== null);
    expect(led).toHaveLength(granted.length);
  });

  test('two that pass one lease back and forth never get an epoch twice', async () => {
    const database = await backend.database();
    const [one, two] = [await database.store(), await database.store()];
    await one.createTopic(topic('orders'));
    const epochs: number[] = [];
    const play = async (store: MetadataStore, agentId: string): Promise<void> => {
      const sessionId = await join(store, agentId);
      for (let mine = 0; mine < 10;) {
        const outcome = await acquireOne(store, sessionId, orders);
        if (outcome.outcome !== 'granted') continue;
        mine += 1;
        epochs.push(outcome.epoch);
        const term = { key: orders, epoch: outcome.epoch };
        const { outcomes } = await store.releaseLeases(sessionId, [term], 'released');
        expect(outcomes).toMatchObject([{ outcome: 'released' }]);
      }
    };
    await Promise.all([play(one, 'a'), play(two, 'b')]);
    expect(epochs.sort((a, b) => a - b)).toEqual([...new Set(epochs)]);
    expect(epochs).toHaveLength(20);
    const history = await one.leaseHistory(orders, 100);
    expect(history.map(({ epoch }) => epoch)).toEqual(epochs.toReversed());
  });

  test('10,000 partitions are created, acquired, listed, released and deleted in seconds', async ({
    annotate,
  }) => {
    const store = await (await backend.database()).store();
    const sessionId = await join(store, 'a');
    const keys = Array.from({ length: 10_000 }, (_, partition) => partitionKey('big', partition));
    const took: string[] = [];
    const timed = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
      const startMs = performance.now();
      const result = await work();
      const ms = Math.round(performance.now() - startMs);
      took.push(`${what} ${ms} ms`);
      expect(ms).toBeLessThan(15_000);
      return result;
    };
    await timed('create', () => store.createTopic(topic('big', 10_000)));
    const { outcomes } = await timed('acquire', () => store.acquireLeases(sessionId, keys));
    expect(count(outcomes, 'granted')).toBe(10_000);
    const partitions = await timed('list partitions', () => store.listPartitions('big', all));
    expect(partitions.items).toHaveLength(10_000);
    const leases = await timed('list leases', () => store.listPartitionLeases({ agentId: 'a' }, all));
    expect(leases.items.map(({ key }) => key)).toEqual(keys);
    const terms = (await timed('held', () => store.heldLeases(sessionId))).terms;
    const released = await timed('release', () => store.releaseLeases(sessionId, terms, 'released'));
    expect(released.outcomes.every(({ outcome }) => outcome === 'released')).toBe(true);
    await timed('delete', () => store.deleteTopic('big'));
    await annotate(took.join(', '));
  });
}
