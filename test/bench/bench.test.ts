// The bench itself: what it is asked for, what it makes of what it measured, and that its baselines send what the store sends. It
// never judges times.
import pg from 'pg';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { readArguments, UsageError } from '../../bench/arguments.ts';
import { runPgbench, scripted } from '../../bench/baseline/pgbench.ts';
import { Raw } from '../../bench/baseline/raw.ts';
import { only, type Sent, sentBy } from '../../bench/baseline/sent.ts';
import { benches } from '../../bench/bench.ts';
import { inPath } from '../../bench/etcd/leases.ts';
import { type Goal, goals, judge } from '../../bench/goals.ts';
import { Findings, rowOf, rowsOf } from '../../bench/harness/findings.ts';
import { percentilesOf } from '../../bench/harness/percentiles.ts';
import { inRounds, type Sample, underLoad } from '../../bench/harness/rounds.ts';
import { sectionText } from '../../bench/harness/table.ts';
import { leaseSpeech, RawLeases, StoreLeases } from '../../bench/lease.bench.ts';
import { createTopic, granted, join, keysOf } from '../../bench/stage/cast.ts';
import { type PostgresStage, postgresStage } from '../../bench/stage/postgres.ts';
import { sqliteStage } from '../../bench/stage/sqlite.ts';

const names = benches.map(({ name }) => name);

describe('the command line', () => {
  test('names nothing, or benches by name or file, each once', () => {
    expect(readArguments([], names)).toEqual({ names: [], rounds: 5, json: undefined, help: false });
    const given = [
      'takeover',
      'bench/takeover.bench.ts',
      'lease',
      '--rounds',
      '20',
      '--json',
      'figures.json',
    ];
    expect(readArguments(given, names)).toEqual({
      names: ['takeover', 'lease'],
      rounds: 20,
      json: 'figures.json',
      help: false,
    });
  });

  test('--json alone is standard output', () => {
    expect(readArguments(['--json'], names).json).toBe('-');
    expect(readArguments(['--json', '--rounds', '2'], names)).toMatchObject({ json: '-', rounds: 2 });
  });

  test.each([
    [['leases'], /no bench "leases"; there are lease, /],
    [['--rounds', '0'], /--rounds takes a whole number from 1 to 1000, not "0"/],
    [['--rounds', 'many'], /not "many"/],
    [['--round', '3'], /--round/],
  ])('%j is refused', (given, message) => {
    expect(() => readArguments(given, names)).toThrow(UsageError);
    expect(() => readArguments(given, names)).toThrow(message);
  });
});

describe('figures', () => {
  test('percentiles are times that were seen, by nearest rank', () => {
    const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
    expect(percentilesOf(hundred)).toEqual({ runs: 100, min: 1, median: 50, p90: 90, p99: 99, max: 100 });
    expect(percentilesOf([3])).toEqual({ runs: 1, min: 3, median: 3, p90: 3, p99: 3, max: 3 });
    expect(percentilesOf([])).toMatchObject({ runs: 0, median: Number.NaN });
  });

  test('rounds alternate, who begins changes, and the first is not counted', async () => {
    const order: string[] = [];
    const turn = (way: string) => async (): Promise<Record<'work', Sample>> => {
      order.push(way);
      return { work: { ms: [order.length], tookMs: 1 } };
    };
    const rounds = await inRounds(2, { store: turn('store'), pg: turn('pg') });
    expect(order).toEqual(['store', 'pg', 'pg', 'store', 'store', 'pg']);
    expect(rounds.get('store')?.map(({ work }) => work.ms)).toEqual([[4], [5]]);
    expect(rounds.get('pg')?.map(({ work }) => work.ms)).toEqual([[3], [6]]);
  });

  test('a ratio is the median of those of the rounds, each of one round', () => {
    const sample = (operations: number, ms: number): Record<'work', Sample> => ({
      work: { ms: Array.from({ length: operations }, () => ms), tookMs: 1_000 },
    });
    // The machine is ten times slower in the second round, for both.
    const rows = rowsOf(
      new Map([
        ['store', [sample(80, 10), sample(9, 100), sample(70, 11)]],
        ['pg', [sample(100, 8), sample(10, 80), sample(100, 8)]],
      ]),
      { prefix: 'a ', suffix: ' c=1', counts: true },
    );
    expect(rows[0]).toMatchObject({ what: 'a work c=1', way: 'store', perSecond: 70 });
    expect(rows[0]?.against).toEqual({ pg: { throughput: 0.8, time: 1.25 } });
    expect(rows[1]?.against['store']?.throughput).toBe(1.25);
  });

  test('work under load keeps so many under way, and ends when there is no more', async () => {
    let [left, underWay, most] = [10, 0, 0];
    const { ms } = await underLoad({ concurrency: 3, forMs: 60_000 }, () => {
      if (left === 0) return undefined;
      left -= 1;
      underWay += 1;
      most = Math.max(most, underWay);
      return new Promise<void>((resolve) => setImmediate(resolve)).then(() => (underWay -= 1));
    });
    expect({ operations: ms.length, most }).toEqual({ operations: 10, most: 3 });
  });
});

describe('goals', () => {
  const ratio: Goal = {
    what: 'ratio',
    bound: { atLeast: 0.85 },
    unit: '×',
    source: { of: 'ratio', rows: ['a c=1', 'a c=2'], to: 'pg', by: 'throughput' },
    needs: 'etcd',
    by: 'lease',
  };
  const row = (what: string, throughput: number) => ({
    ...rowOf(what, [1, 2, 3]),
    against: { pg: { throughput, time: 1 / throughput } },
  });

  test('the worst of its figures counts, whichever way is worse', () => {
    const findings = new Findings();
    findings.add({ title: 't', rows: [row('a c=1', 0.9), row('a c=2', 0.84)] });
    expect(judge(ratio, findings, ['lease'])).toMatchObject({ measured: 0.84, reached: false, why: null });
    const byTime: Goal = {
      ...ratio,
      bound: { atMost: 1.2 },
      source: { of: 'ratio', rows: ['a c=1', 'a c=2'], to: 'pg', by: 'time' },
    };
    expect(judge(byTime, findings, ['lease'])).toMatchObject({ measured: 1 / 0.84, reached: true });
    const median: Goal = { ...ratio, bound: { atMost: 2 }, source: { of: 'median', rows: ['a c=1'] } };
    expect(judge(median, findings, ['lease'])).toMatchObject({ measured: 2, reached: true });
    findings.add({ title: 't', values: [{ what: 'v', amount: 3, unit: '' }] });
    const value: Goal = { ...ratio, bound: { atMost: 2 }, source: { of: 'value', values: ['v'] } };
    expect(judge(value, findings, ['lease'])).toMatchObject({ measured: 3, reached: false });
  });

  test('what was not measured says why, and is neither reached nor missed', () => {
    const findings = new Findings();
    findings.add({ title: 't', rows: [row('a c=1', 0.9)] });
    const unmeasured = { measured: null, reached: null };
    expect(judge(ratio, findings, ['append'])).toMatchObject({
      ...unmeasured,
      why: 'not measured here: lease was not run',
    });
    findings.lacks('etcd', 'no etcd in PATH');
    expect(judge(ratio, findings, ['lease'])).toMatchObject({
      ...unmeasured,
      why: 'not measured here: no etcd in PATH',
    });
    const other: Goal = { ...ratio, by: 'npm run other' };
    expect(judge({ ...other }, new Findings(), []).why).toBe('not measured here: npm run other');
  });

  test('each is measured by a bench that there is, by another command, or by what is still to come', () => {
    const known = new Set([...names, 'npm run bench:scale', 'cache']);
    expect(goals.filter(({ by }) => !known.has(by))).toEqual([]);
  });
});

describe('the baselines', () => {
  async function stageOfTest(): Promise<PostgresStage> {
    const [target] = inject('postgresTargets');
    if (target === undefined) throw new Error('no PostgreSQL');
    const stage = await postgresStage(target.url);
    onTestFinished(() => stage[Symbol.asyncDispose]());
    await createTopic(stage.store, 'orders', 10_000);
    return stage;
  }

  /** What one says, without who says it. */
  const said = (sent: readonly Sent[], sessionId: string) =>
    sent.map(({ name, text, values }) => ({
      name,
      text,
      values: values.map((value) => (value === sessionId ? 'session' : value)),
    }));

  test('pg alone is asked for a set of leases word for word as the store asks', async () => {
    const { url, store } = await stageOfTest();
    const [ours, theirs] = [await join(store, 'ours'), await join(store, 'theirs')];
    const terms: string[] = [];
    const byStore = await sentBy(async () => {
      const all = granted(await store.acquireLeases(ours, keysOf('orders', 0, 3)));
      terms.push(...all.map(({ epoch }) => String(epoch)));
    });
    await store.endSession(ours, 'deregistered');
    const speech = await leaseSpeech(store, theirs, 9_999);
    await using raw = new Raw(url);
    const byDriver = await sentBy(() => new RawLeases(raw, speech).together(3));
    const acquired = byDriver.slice(0, byStore.length);
    expect(byStore.map(({ name }) => name)).toContain('acquire_leases');
    expect(said(acquired, theirs)).toEqual(said(byStore, ours));
    expect(byDriver.slice(byStore.length).map(({ text }) => text)).toEqual(
      speech.release.map(({ text }) => text),
    );
    expect(terms).toHaveLength(3);
  });

  test.skipIf(inPath('pgbench') === undefined)('pgbench runs the same statements', async () => {
    const { url, store, schema } = await stageOfTest();
    const speech = await leaseSpeech(store, await join(store, 'theirs'), 9_999);
    const [write] = speech.acquire;
    if (write === undefined) throw new Error('nothing was said');
    const lease = new Map([[9_999, ':client_id::integer']]);
    const withoutValues = (text: string): string => text.replaceAll(/\s+/g, ' ').slice(0, 60);
    expect(withoutValues(scripted(write, lease))).toBe(withoutValues(write.text));
    expect(scripted(write, lease)).toContain('array[:client_id::integer]');
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    onTestFinished(() => client.end());
    const script = new RawLeases(new Raw(url), speech).script();
    const program = inPath('pgbench') ?? '';
    const { ms } = await runPgbench({ program, url, script, connections: 2, seconds: 1 });
    const { rows } = await client.query(
      `select partition, count(*)::integer as terms, count(ended_at)::integer as ended from ${schema}.lease_history
       where partition < 2 group by partition order by partition`,
    );
    expect(rows).toMatchObject([{ partition: 0 }, { partition: 1 }]);
    const terms = rows.reduce((sum: number, row: { terms: number }) => sum + row.terms, 0);
    expect(terms).toBeGreaterThanOrEqual(ms.length);
  });

  test('of what was heard the only one is found, or nothing', async () => {
    const { store } = await stageOfTest();
    const sent = await sentBy(() => store.getTopic('orders'));
    expect(only(sent, 'a look at topics', (text) => /from \S*topics/.test(text)).name).toBe('select_topic');
    expect(() => only(sent, 'a write', (text) => /insert/.test(text))).toThrow(/not one is a write/);
    expect(await sentBy(async () => undefined)).toEqual([]);
  });
});

test('a tiny run on SQLite, from the rounds to the table', async () => {
  await using sqlite = await sqliteStage();
  await createTopic(sqlite.store, 'orders', 10_000);
  const ours = new StoreLeases(sqlite.store, await join(sqlite.store, 'ours'));
  const rounds = await inRounds(1, { store: () => ours.oneByOne({ concurrency: 4, forMs: 20 }) });
  const texts: string[] = [];
  const findings = new Findings((section) => texts.push(sectionText(section)));
  findings.add({
    title: 'Leases',
    rows: rowsOf(rounds, { suffix: ' c=4', counts: true }),
    notes: ['a note'],
  });
  const [acquire, release] = [findings.row('acquire c=4', 'store'), findings.row('release c=4', 'store')];
  expect(acquire?.ms.runs).toBeGreaterThan(0);
  expect(release?.ms.runs).toBe(acquire?.ms.runs);
  const lines = texts.join('\n').split('\n');
  expect(lines[2]).toMatch(/^ {2}milliseconds +way +runs +min +median +p90 +p99 +max +per second +µs CPU/);
  expect(lines[3]).toMatch(/^ {2}acquire c=4 +store +\d+ /);
  expect(lines.at(-1)).toBe('  a note');
  // Everything that was taken was given up.
  expect((await sqlite.store.countPartitions()).led).toBe(0);
});
