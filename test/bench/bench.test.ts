// The bench itself: what it is asked for, what it makes of what it measured, and that its baselines send what the store sends. It
// never judges times.
import { readFileSync } from 'node:fs';
import pg from 'pg';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { readArguments } from '../../bench/arguments.ts';
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
import { verdictsText } from '../../bench/harness/verdicts.ts';
import { leaseSpeech, RawLeases, StoreLeases } from '../../bench/lease.bench.ts';
import { readCommandLine, UsageError } from '../support/command-line.ts';
import { restValues } from '../../bench/scale.bench.ts';
import { scaleOptions } from '../../bench/scale/options.ts';
import { createTopic, granted, join, keysOf, segmentAt } from '../../bench/stage/cast.ts';
import { type PostgresStage, postgresStage } from '../../bench/stage/postgres.ts';
import { sqliteStage } from '../../bench/stage/sqlite.ts';

const names = benches.map(({ name }) => name);

describe('the command line', () => {
  test('names nothing, or benches by name or file, each once', () => {
    expect(readArguments([], names)).toEqual({ names: [], rounds: 5, json: undefined });
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
    });
  });

  test('--json alone is standard output', () => {
    expect(readArguments(['--json'], names).json).toBe('-');
    expect(readArguments(['--json', '--rounds', '2'], names)).toMatchObject({ json: '-', rounds: 2 });
  });

  test.each([
    [['leases'], /no bench "leases"; there are lease, /],
    [['--rounds', '0'], /--rounds takes a whole number from 1, not "0"/],
    [['--rounds', '1001'], /--rounds takes at most 1000/],
    [['--rounds', 'many'], /not "many"/],
    [['--round', '3'], /^Unknown option '--round'$/],
  ])('%j is refused', (given, message) => {
    expect(() => readArguments(given, names)).toThrow(UsageError);
    expect(() => readArguments(given, names)).toThrow(message);
  });
});

describe('the command lines of all runs', () => {
  const usage = (): string => 'npm run bench:scale -- …';
  const asked = (given: string[]) =>
    readCommandLine({ command: 'npm run bench:scale', usage, read: scaleOptions }, given);

  test.each(['--help', '-h'])('%s tells how a run is used, whatever else is asked', (help) => {
    expect(asked([help])).toEqual({ outcome: 'help', text: usage() });
    expect(asked(['--sizes', help])).toEqual({ outcome: 'help', text: usage() });
  });

  test.each([
    [['--sizes', '3'], "Unknown option '--sizes'"],
    [['steady'], "Unexpected argument 'steady'"],
    [['--agents'], "Option '--agents <value>' argument missing"],
    [['--agents', '--json'], "Option '--agents' argument is ambiguous"],
    [['--agents', '1'], '--agents takes a whole number from 2, not "1"'],
    [['--seconds', 'many'], '--seconds takes a whole number, not "many"'],
    [['--scenario', 'calm'], '--scenario is one of whole, steady, takeover, not "calm"'],
  ])('%j is told in one line, with the next step', (given, mistake) => {
    expect(asked(given)).toEqual({
      outcome: 'mistake',
      text: `${mistake}; see npm run bench:scale -- --help`,
    });
  });

  test('what is no mistake of the command line is thrown', () => {
    const read = (): never => {
      throw new RangeError('broken');
    };
    expect(() => readCommandLine({ command: 'a', usage, read }, [])).toThrow(RangeError);
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
      why: 'not measured here: npm run bench -- lease',
    });
    findings.lacks('etcd', 'no etcd in PATH');
    expect(judge(ratio, findings, ['lease'])).toMatchObject({
      ...unmeasured,
      why: 'not measured here: no etcd in PATH',
    });
  });

  test('each is measured by a bench that there is', () => {
    expect(goals.filter(({ by }) => !names.includes(by))).toEqual([]);
  });

  test('the table that is printed is the one of docs/performance.md, but for what was seen', () => {
    const whatAndBound = (text: string): string[] =>
      [...text.matchAll(/^\| ([^|]+ \| [≥≤][^|]+) \|/gm)].map(([, cells]) => cells ?? '');
    const printed = whatAndBound(verdictsText(goals.map((goal) => judge(goal, new Findings(), []))));
    expect(printed).toHaveLength(goals.length);
    expect(whatAndBound(readFileSync('docs/performance.md', 'utf8'))).toEqual(printed);
  });

  test('a goal is told as it was judged', () => {
    const verdict = { what: 'w', bound: { atMost: 2 }, unit: 'ms', measured: 3, reached: false, why: null };
    const unmeasured = { ...verdict, measured: null, reached: null, why: 'not measured here' };
    expect(verdictsText([verdict, { ...verdict, measured: 1.5, reached: true }, unmeasured])).toContain(`
| w | ≤ 2 ms | 3 ms | **missed** |
| w | ≤ 2 ms | 1.50 ms | reached |
| w | ≤ 2 ms | not measured here | – |
`);
  });

  test('at rest, what is written beside heartbeats counts as written for partitions', () => {
    const phase = {
      name: 'steady state',
      seconds: 10,
      active: 100,
      statements: {},
      statementsPerSecond: 74.7,
      rowsWritten: { sessions: 400, leases: 50 },
      took: {},
    };
    const findings = new Findings();
    findings.add({ title: 't', values: restValues(phase, { agents: 100, partitions: 10_000 }) });
    const ofScale = goals.filter(({ by, source }) => by === 'scale' && source.of === 'value');
    expect(ofScale.map((goal) => judge(goal, findings, ['scale']))).toMatchObject([
      { measured: 74.7, reached: true },
      { measured: 0.005, reached: false },
    ]);
  });
});

describe('the baselines', () => {
  async function stageOfTest(): Promise<PostgresStage> {
    const [target] = inject('postgresTargets');
    if (target === undefined) throw new Error('no PostgreSQL');
    const stage = await postgresStage(target.url);
    onTestFinished(() => stage[Symbol.asyncDispose]());
    await stage.createTopic('orders', 10_000);
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

  test('pgbench is given the same statements', async () => {
    const { store } = await stageOfTest();
    const speech = await leaseSpeech(store, await join(store, 'theirs'), 9_999);
    const [write] = speech.acquire;
    if (write === undefined) throw new Error('nothing was said');
    const lease = new Map([[9_999, ':client_id::integer']]);
    const withoutValues = (text: string): string => text.replaceAll(/\s+/g, ' ').slice(0, 60);
    expect(withoutValues(scripted(write, lease))).toBe(withoutValues(write.text));
    expect(scripted(write, lease)).toContain('array[:client_id::integer]');
  });

  // Only where it is installed: what it is given is looked at above.
  test.skipIf(inPath('pgbench') === undefined)('pgbench runs what it is given', async () => {
    const { url, store, schema } = await stageOfTest();
    const speech = await leaseSpeech(store, await join(store, 'theirs'), 9_999);
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

  test('of what was heard the only one of a name is found, or nothing', async () => {
    const { store } = await stageOfTest();
    const sent = await sentBy(() => store.getTopic('orders'));
    expect(only(sent, 'select_topic').text).toMatch(/from \S*topics/);
    expect(() => only(sent, 'commit_offsets')).toThrow(/not one alone is commit_offsets/);
    expect(() => only([...sent, ...sent], 'select_topic')).toThrow(/not one alone/);
    expect(await sentBy(async () => undefined)).toEqual([]);
  });

  test('an offset’s commit and an append by themselves are their own baselines; those that were joined are none', async () => {
    const { store } = await stageOfTest();
    const sessionId = await join(store, 'writer');
    const terms = granted(await store.acquireLeases(sessionId, keysOf('orders', 0, 4)));
    const append = (partition: number) =>
      store.appendSegments({ sessionId, epoch: terms[partition]?.epoch ?? 0 }, 'orders', partition, [
        segmentAt(0),
      ]);
    const commit = (partition: number) =>
      store.commitOffsets('readers', [{ topic: 'orders', partition, offset: 0, metadata: null }]);
    for (const [write, alone, together] of [
      [append, 'append_segments', 'append_segments_together'],
      [commit, 'commit_offsets', 'commit_offsets_together'],
    ] as const) {
      const one = await sentBy(() => write(0));
      expect(one.map(({ name }) => name)).toEqual([alone]);
      expect(only(one, alone)).toBe(one[0]);
      const several = await sentBy(() => Promise.all([1, 2, 3].map((partition) => write(partition))));
      expect(several.map(({ name }) => name)).toEqual([together]);
      expect(() => only(several, alone)).toThrow(/not one alone/);
    }
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
