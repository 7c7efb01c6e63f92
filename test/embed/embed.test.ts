// The agent as a library: two of them in this process, on one store, each with its broker's client, until both lead.
import { afterEach, describe, expect, inject, test } from 'vitest';
import { StreamhouseClient, type Term } from '../../src/client/client.ts';
import { ConfigError, type EmbeddedAgent, startAgent } from '../../src/embed.ts';
import { postgresStore, type SharedStore, sqliteStore } from '../e2e/cluster.ts';
import { eventually } from '../support/eventually.ts';

const stores: [string, () => SharedStore][] = [
  ['SQLite', sqliteStore],
  ...inject('postgresTargets')
    .slice(0, 1)
    .map(({ name, url }): [string, () => SharedStore] => [name, () => postgresStore(url)]),
];

describe.each(stores)('two agents in one process on %s', (_name, makeStore) => {
  const open: AsyncDisposable[] = [];

  afterEach(async () => {
    for (const each of open.splice(0).toReversed()) await each[Symbol.asyncDispose]();
  });

  test('both lead, by the clients beside them; one that stops hands over', async () => {
    const store = makeStore();
    open.push(store);
    const listeners = signalListeners();
    const agents = [await start(store, 'a'), await start(store, 'b')] as const;
    const led = new Map<string, Set<Term>>();
    for (const { url, agentId } of agents) {
      const client = new StreamhouseClient({ url });
      open.push(client);
      const terms = new Set<Term>();
      led.set(agentId, terms);
      void client.run({
        onTerm: (term) => {
          terms.add(term);
          term.signal.addEventListener('abort', () => terms.delete(term));
        },
      });
      await client.ready();
    }
    const created = await fetch(`${agents[0].url}/v1/topics`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'orders', partitionCount: 8 }),
    });
    expect(created.status).toBe(201);
    await eventually(() => led.get('a')?.size === 4 && led.get('b')?.size === 4);
    expect(agents[0].held().leases).toHaveLength(4);
    expect(agents[0].status()).toMatchObject({ agentId: 'a', state: 'active' });

    const [term] = led.get('b') ?? [];
    const segment = { recordCount: 1, sizeBytes: 1, bucket: 'b', key: 'k' };
    const appended = await term?.append({ id: 'one', baseOffset: 0, endOffset: 0, ...segment });
    expect(appended).toMatchObject({ outcome: 'appended', highWatermark: 1 });

    await agents[1].stop();
    await eventually(() => led.get('a')?.size === 8);
    expect(led.get('b')?.size).toBe(0);
    await agents[1].stop();
    // A library leaves the process alone.
    expect(signalListeners()).toEqual(listeners);
  });

  async function start(store: SharedStore, agentId: string): Promise<EmbeddedAgent> {
    const agent = await startAgent({
      databaseUrl: store.env['DATABASE_URL'] ?? '',
      databaseSchema: store.env['DATABASE_SCHEMA'],
      agentId,
      httpPort: 0,
      sessionTtlMs: 5_000,
    });
    open.push(agent);
    return agent;
  }
});

test('a wrong setting is a ConfigError before anything is started', async () => {
  await expect(startAgent({ databaseUrl: 'mysql://x' })).rejects.toBeInstanceOf(ConfigError);
});

function signalListeners(): number[] {
  return (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map((name) => process.listenerCount(name));
}
