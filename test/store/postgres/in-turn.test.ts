// Many statements on one connection go one after the other, by our own doing: that the driver lets them wait is deprecated, and it says so on
// the standard error of a daemon, once.
import { expect, inject, onTestFinished, test } from 'vitest';
import { BoundedClient, runBounded } from '../../../src/store/postgres/client.ts';

const [target] = inject('postgresTargets');

async function connected(): Promise<BoundedClient> {
  const client = new BoundedClient({ connectionString: target?.url });
  await client.connect();
  onTestFinished(() => client.end().catch(() => undefined));
  return client;
}

test('statements that are asked together go in their order, and the driver has nothing to say', async () => {
  const client = await connected();
  const warnings: string[] = [];
  const listen = (warning: Error): unknown => warnings.push(warning.message);
  process.on('warning', listen);
  onTestFinished(() => void process.off('warning', listen));
  const ask = (n: number) =>
    runBounded(
      client,
      `n${n}`,
      { text: `select nextval('pg_temp.turns')::integer as turn, ${n} as n`, parameters: [] },
      {},
      20_000,
    );
  await client.query('create temporary sequence turns');
  const answers = await Promise.all([1, 2, 3].map((n) => ask(n).catch((error: unknown) => String(error))));
  await new Promise((resolve) => setImmediate(resolve));
  expect(answers.map((rows) => (typeof rows === 'string' ? rows : rows[0]?.['turn']))).toEqual([1, 2, 3]);
  expect(warnings).toEqual([]);
});
