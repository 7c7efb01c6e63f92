// An agent says whether others can see that it lives, and where they cannot, why: in its log, its readiness and a metric.
import { expect, inject, test } from 'vitest';
import { startAgent } from '../../src/app.ts';
import { loadConfig } from '../../src/config/config.ts';
import { CrashDetection } from '../../src/coordination/crash-detection.ts';
import type { Logger } from '../../src/platform/logger.ts';
import { type Env, postgresStore, type SharedStore, sqliteStore } from '../e2e/cluster.ts';
import { seriesIn } from '../metrics/reading.ts';
import { eventually } from '../support/eventually.ts';
import { startTransactionPooler } from '../support/transaction-pooler.ts';
import { recordingLogger, type TestAgent } from './cluster.ts';

const [target] = inject('postgresTargets');
if (target === undefined) throw new Error('no PostgreSQL to test with');
const { url } = target;

function configOf(env: Env) {
  const loaded = loadConfig([], { HTTP_PORT: '0', AGENT_ID: 'a', ...env });
  if (loaded.outcome !== 'config') throw new Error('the agent is not to run');
  return loaded.config;
}

/** What an agent says of it once it is active, everywhere where it does. */
async function said(env: Env) {
  const logs: TestAgent['logs'] = [];
  const stop = new AbortController();
  const running = await startAgent(configOf(env), recordingLogger(logs), stop.signal);
  try {
    const ask = async (path: string) => (await fetch(`${running.url}${path}`)).text();
    await eventually(() => running.agent.status().state === 'active');
    await eventually(() => logs.some(({ message }) => message === 'crash detection'));
    const check = running.agent.readiness().find(({ name }) => name === 'crash_detection');
    const metric = seriesIn(await ask('/metrics'), 'streamhouse_crash_detection_active')[''];
    const ready = await ask('/readyz?verbose');
    const log = logs.filter(({ message }) => message === 'crash detection').map(({ fields }) => fields);
    return { check, metric, isShown: ready.includes(check?.detail ?? 'nothing'), log };
  } finally {
    stop.abort();
    await running.done;
  }
}

function isOff(words: RegExp) {
  const detail = expect.stringMatching(words);
  return {
    check: { ok: true, detail },
    metric: 0,
    isShown: true,
    log: [{ active: false, detail }],
  };
}

test.each<[string, () => SharedStore, Env, object]>([
  ['SQLite', sqliteStore, {}, isOff(/off by itself on SQLite/)],
  ['PostgreSQL', () => postgresStore(url), { CRASH_DETECTION: 'off' }, isOff(/CRASH_DETECTION=off/)],
  [
    'PostgreSQL',
    () => postgresStore(url),
    {},
    { check: { ok: true, detail: expect.stringMatching(/lock/) }, metric: 1, log: [{ active: true }] },
  ],
])('on %s, once', async (_, makeStore, env, expected) => {
  await using store = makeStore();
  expect(await said({ ...store.env, ...env })).toMatchObject(expected);
});

test('behind a pooler it is off by itself', async () => {
  await using store = postgresStore(url);
  const { port } = new URL(url);
  await using pooler = await startTransactionPooler(Number(port));
  const pooled = url.replace(`:${port}`, `:${pooler.port}`);
  // The stand-in forgets prepared statements: what the pool does goes past it here.
  expect(await said({ ...store.env, DIRECT_DATABASE_URL: pooled })).toMatchObject(isOff(/pooler/));
});

test('it is said again only when it has become another', () => {
  const logs: TestAgent['logs'] = [];
  const log: Logger = recordingLogger(logs);
  const detection = new CrashDetection(log);
  expect(detection.health().active).toBe(false);
  for (const lock of ['held', 'held', 'refused', 'held'] as const) detection.connected(lock);
  expect(logs.map(({ fields }) => fields)).toMatchObject([
    { active: true },
    { active: false },
    { active: true },
  ]);
});
