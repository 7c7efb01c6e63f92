// Signals over LISTEN/NOTIFY: who hears what, what an interruption means, and that nothing is left behind.
import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  inject,
  onTestFinished,
  test,
} from 'vitest';
import { type Clock, systemClock } from '../../src/platform/clock.ts';
import { channelName, PostgresSignals } from '../../src/signals/postgres-signals.ts';
import type { SignalKind } from '../../src/signals/signals.ts';
import { recordingLogger } from '../coordination/cluster.ts';
import { ManualClock, turn } from '../coordination/manual-clock.ts';
import { eventually } from '../support/eventually.ts';
import { type FaultProxy, startProxy } from '../support/proxy.ts';

const [target] = inject('postgresTargets');
if (target === undefined) throw new Error('no PostgreSQL to test with');
const { url } = target;

interface Listener {
  readonly name: string;
  readonly signals: PostgresSignals;
  /** But for pings, which the tests send to find out who listens. */
  readonly heard: SignalKind[];
  readonly pings: () => number;
  /** How often it has chosen a delay before its next attempt to connect. */
  readonly delays: () => number;
}

let client: Client;
let group: string;
let open: PostgresSignals[];

beforeAll(async () => {
  client = new Client({ connectionString: url });
  await client.connect();
});

afterAll(() => client.end());

beforeEach(() => {
  group = randomUUID();
  open = [];
});

afterEach(async () => {
  await Promise.all(open.map((signals) => signals[Symbol.asyncDispose]()));
});

interface Options {
  readonly through?: FaultProxy;
  readonly group?: string;
  readonly schema?: string;
  readonly deafAfterMs?: number;
  readonly silenceMs?: number;
  readonly clock?: Clock;
}

function start(options: Options = {}): Listener {
  const name = `signals ${randomUUID()}`;
  const connection = new URL(url);
  if (options.through) connection.port = String(options.through.port);
  let delays = 0;
  const random = (): number => {
    delays += 1;
    return 0;
  };
  const signals = new PostgresSignals(
    { clock: options.clock ?? systemClock, log: recordingLogger([]), random },
    {
      locate: () => Promise.resolve({ connectionString: connection.href }),
      schema: options.schema ?? 'signals',
      group: options.group ?? group,
      applicationName: name,
      attemptMs: 1_000,
      silenceMs: options.silenceMs ?? 1_200,
      deafAfterMs: options.deafAfterMs ?? 60_000,
    },
  );
  const heard: SignalKind[] = [];
  let pings = 0;
  signals.subscribe((kind) => {
    if (kind === 'ping') pings += 1;
    else heard.push(kind);
  });
  signals.start();
  open.push(signals);
  return { name, signals, heard, pings: () => pings, delays: () => delays };
}

/** Starts a listener and waits until what others send arrives; what it heard of that is forgotten. */
async function listening(options: Options = {}): Promise<Listener> {
  const listener = start(options);
  await untilHearing(listener, options);
  return listener;
}

async function untilHearing({ heard, pings }: Listener, options: Options = {}): Promise<void> {
  const before = pings();
  await eventually(async () => {
    await notify('{"kind":"ping","sender":"test"}', options);
    return pings() > before;
  });
  heard.length = 0;
}

async function notify(
  payload: string,
  { schema = 'signals', group: of = group }: Options = {},
): Promise<void> {
  await client.query('select pg_notify($1, $2)', [channelName(schema, of), payload]);
}

async function connections(name: string): Promise<number[]> {
  const { rows } = await client.query<{ pid: number }>(
    'select pid from pg_stat_activity where application_name = $1',
    [name],
  );
  return rows.map(({ pid }) => pid);
}

async function terminate(name: string): Promise<void> {
  const { rowCount } = await client.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1',
    [name],
  );
  expect(rowCount).toBe(1);
}

describe('what only those must know who remember what they read', () => {
  let aheadMs: number;
  /** Runs with the others, and can be put forward. */
  const clock: Clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + aheadMs };

  beforeEach(() => {
    aheadMs = 0;
  });

  test('is told while somebody does, whoever it is', async () => {
    const [a, b, c] = [await listening({ clock }), await listening(), await listening()];
    // When it was just connected it cannot know.
    a.signals.publish('routes');
    await eventually(() => b.heard.length > 0);
    aheadMs = 25_000;
    a.signals.publish('routes');
    a.signals.publish('segments');
    a.signals.publish('leases');
    await eventually(() => b.heard.includes('leases'));
    expect(b.heard).toEqual(['routes', 'leases']);
    // The publisher itself always hears it.
    expect(a.heard).toEqual(['routes', 'routes', 'segments', 'leases']);

    await eventually(() => c.signals.tellsOf('routes'));
    a.signals.publish('routes');
    await eventually(() => b.heard.length > 2);
    expect([b.heard, c.heard]).toEqual([
      ['routes', 'leases', 'routes'],
      ['routes', 'leases', 'routes'],
    ]);
  });

  test('is not promised to who cannot hear, nor held back from others for that', async () => {
    const proxy = await startProxy(Number(new URL(url).port));
    onTestFinished(() => proxy[Symbol.asyncDispose]());
    const a = await listening({ through: proxy });
    await eventually(() => a.signals.tellsOf('routes'));
    proxy.mode = 'refuse';
    proxy.cutAll();
    await eventually(() => !a.signals.health().ok);
    expect([a.signals.tellsOf('routes'), a.signals.tellsOf('topics')]).toEqual([false, false]);
    proxy.mode = 'pass';
    await eventually(() => a.signals.tellsOf('topics'));
    // Others have to hear of it anew first.
    expect(a.signals.tellsOf('routes')).toBe(false);
    await eventually(() => a.signals.tellsOf('routes'));
  });
});

describe('what is published', () => {
  test('is heard by others and by the publisher itself, each once', async () => {
    const [a, b] = [await listening(), await listening()];
    a.signals.publish('membership');
    await eventually(() => b.heard.length > 0);
    // Notifications arrive in order: the second has passed, so nothing of the first is still on its way.
    b.signals.publish('topics');
    await eventually(() => a.heard.includes('topics'));
    expect(a.heard).toEqual(['membership', 'topics']);
    expect(b.heard).toEqual(['membership', 'topics']);
  });

  test('in a burst is one notification of each kind', async () => {
    const [a, b] = [await listening(), await listening()];
    for (let change = 0; change < 50; change += 1) {
      a.signals.publish('assignment');
      a.signals.publish('leases');
    }
    await eventually(() => b.heard.includes('leases'));
    await turn();
    a.signals.publish('session');
    await eventually(() => b.heard.includes('session'));
    expect(b.heard).toEqual(['assignment', 'leases', 'session']);
  });

  test('for some agents says which, of all in a burst, unless it is for everybody or for too many', async () => {
    const [a, b] = [await listening(), await listening()];
    const told: (readonly string[] | undefined)[] = [];
    b.signals.subscribe((kind, agents) => kind === 'assignment' && told.push(agents));
    const many = Array.from({ length: 1_000 }, (_, index) => `agent-${index}`);
    for (const burst of [[['x'], ['y', 'x']], [['x'], undefined], [undefined, ['x']], [many]]) {
      const before = told.length;
      for (const agents of burst) a.signals.publish('assignment', agents);
      await eventually(() => told.length > before);
    }
    expect(told).toEqual([['x', 'y'], undefined, undefined, undefined]);
  });

  test('is not heard by who has unsubscribed', async () => {
    const a = await listening();
    const heard: SignalKind[] = [];
    const unsubscribe = a.signals.subscribe((kind) => heard.push(kind));
    unsubscribe();
    a.signals.publish('membership');
    expect(heard).toEqual([]);
  });

  test('before there is a connection is heard here and does no harm', async () => {
    const a = start();
    a.signals.publish('membership');
    expect(a.heard).toEqual(['membership']);
    await untilHearing(a);
  });
});

describe('channels', () => {
  test('are keyed by schema and group, and are names that PostgreSQL does not cut', () => {
    const names = [
      channelName('s', 'g'),
      channelName('s', 'h'),
      channelName('t', 'g'),
      channelName('s\ng', ''),
    ];
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[a-z0-9_]{1,63}$/);
    expect(channelName('x'.repeat(63), 'y'.repeat(249)).length).toBeLessThanOrEqual(63);
  });

  test('of another group, or of another schema, are not heard', async () => {
    const a = await listening();
    const otherGroup = await listening({ group: `${group} other` });
    const otherSchema = await listening({ schema: 'other' });
    a.signals.publish('membership');
    const witness = await listening();
    a.signals.publish('topics');
    await eventually(() => witness.heard.includes('topics'));
    await notify('{"kind":"session","sender":"test"}', { group: `${group} other` });
    await notify('{"kind":"session","sender":"test"}', { schema: 'other' });
    await eventually(() => otherGroup.heard.includes('session') && otherSchema.heard.includes('session'));
    expect(otherGroup.heard).toEqual(['session']);
    expect(otherSchema.heard).toEqual(['session']);
  });
});

describe('what cannot be understood means: look at everything', () => {
  test.each([
    ['no JSON', 'look!'],
    ['nothing', ''],
    ['no object', '7'],
    ['null', 'null'],
    ['a kind of a newer program', '{"kind":"zebra","sender":"x"}'],
    ['no sender', '{"kind":"membership"}'],
  ])('%s', async (_, payload) => {
    const a = await listening();
    await notify(payload);
    await notify('{"kind":"session","sender":"test"}');
    await eventually(() => a.heard.includes('session'));
    expect(a.heard).toEqual(['resync', 'session']);
  });
});

describe('a connection that is lost', () => {
  test('comes back by itself, with a resync once it listens again, and hears as before', async () => {
    const a = await listening();
    const [before] = await connections(a.name);
    await terminate(a.name);
    await eventually(() => a.heard.includes('resync'));
    expect(a.signals.health()).toEqual({ ok: true, detail: 'listening' });
    // Whatever is sent from the resync on is heard.
    await notify('{"kind":"session","sender":"test"}');
    await eventually(() => a.heard.includes('session'));
    const after = await connections(a.name);
    expect(after).toHaveLength(1);
    expect(after).not.toContain(before);
  });

  test('again and again leaves one connection, not many', async () => {
    const a = await listening();
    for (let round = 0; round < 4; round += 1) {
      a.heard.length = 0;
      await terminate(a.name);
      await eventually(() => a.heard.includes('resync'));
    }
    await eventually(async () => (await connections(a.name)).length === 1);
    await untilHearing(a);
  });

  test('to a server that cannot be reached is said in health, and tried until it can', async () => {
    await using proxy = await startProxy(Number(new URL(url).port));
    const a = await listening({ through: proxy });
    proxy.mode = 'refuse';
    proxy.cutAll();
    await eventually(() => !a.signals.health().ok);
    expect(a.signals.health().detail).toContain('not listening');
    a.signals.publish('membership');
    expect(a.heard).toContain('membership');
    proxy.mode = 'pass';
    await eventually(() => a.heard.includes('resync'));
    await untilHearing(a);
  });

  test('in a black hole is noticed by its probe, and replaced when the hole heals', async () => {
    await using proxy = await startProxy(Number(new URL(url).port));
    const a = await listening({ through: proxy });
    proxy.mode = 'blackhole';
    await eventually(() => !a.signals.health().ok);
    proxy.mode = 'pass';
    await eventually(() => a.signals.health().ok);
    expect(a.heard).toContain('resync');
    await untilHearing(a);
    await eventually(async () => (await connections(a.name)).length === 1);
  });

  test('at the very start is no different: refused, then let through', async () => {
    await using proxy = await startProxy(Number(new URL(url).port));
    proxy.mode = 'refuse';
    const a = start({ through: proxy });
    expect(a.signals.health().ok).toBe(false);
    proxy.mode = 'pass';
    await eventually(() => a.heard.includes('resync'));
    await untilHearing(a);
  });
});

test('a listener is asked whether it still listens in silence only, and by one statement that wakes nobody', async () => {
  const clock = new ManualClock();
  const a = await listening({ clock, silenceMs: 7_500 });
  const last = async () => {
    const { rows } = await client.query<{ query: string }>(
      'select query from pg_stat_activity where application_name = $1',
      [a.name],
    );
    return rows.map(({ query }) => query);
  };
  const listens = [`LISTEN ${channelName('signals', group)}`];
  expect(await last()).toEqual(listens);
  for (let ping = 0; ping < 4; ping += 1) {
    await clock.advance(5_000);
    await untilHearing(a);
  }
  expect(await last()).toEqual(listens);
  for (const asked of ['LISTEN streamhouse_probe', 'UNLISTEN streamhouse_probe']) {
    await clock.advance(7_500);
    await eventually(async () => (await last())[0] === asked);
  }
  await untilHearing(a);
});

describe('a listener that looks well and hears no ping of the coordinator', () => {
  test('says that it may be deaf, until it hears one', async () => {
    const a = await listening({ deafAfterMs: 50 });
    await eventually(() => !a.signals.health().ok);
    expect(a.signals.health().detail).toContain('no ping of the coordinator');
    // Each is believed for a moment only, which a busy machine may miss.
    const isHeard = async (): Promise<boolean> => {
      await notify('{"kind":"ping","sender":"test"}');
      return a.signals.health().ok;
    };
    await eventually(isHeard, { everyMs: 1 });
  });
});

describe('closing', () => {
  async function nothingLeft(name: string): Promise<void> {
    await eventually(async () => (await connections(name)).length === 0, {
      what: `no connection of ${name}`,
    });
  }

  test('leaves no connection, and may be done twice', async () => {
    const a = await listening();
    await a.signals[Symbol.asyncDispose]();
    await a.signals[Symbol.asyncDispose]();
    await nothingLeft(a.name);
    expect(a.signals.health().ok).toBe(false);
  });

  test('sends what was published just before', async () => {
    const [a, b] = [await listening(), await listening()];
    a.signals.publish('membership');
    await a.signals[Symbol.asyncDispose]();
    await eventually(() => b.heard.includes('membership'));
  });

  test('while the first connection is being made leaves none', async () => {
    const a = start();
    await a.signals[Symbol.asyncDispose]();
    await nothingLeft(a.name);
  });

  test('while reconnecting leaves no connection behind, when the server can be reached again', async () => {
    await using proxy = await startProxy(Number(new URL(url).port));
    const a = await listening({ through: proxy });
    proxy.mode = 'blackhole';
    proxy.cutAll();
    // The new connection is on its way, and stuck.
    await eventually(() => proxy.connectionCount > 0);
    await a.signals[Symbol.asyncDispose]();
    proxy.mode = 'pass';
    await eventually(() => proxy.connectionCount === 0);
    await nothingLeft(a.name);
  });

  test('between two attempts to reconnect ends the attempts', async () => {
    await using proxy = await startProxy(Number(new URL(url).port));
    const a = await listening({ through: proxy });
    proxy.mode = 'refuse';
    proxy.cutAll();
    await eventually(() => !a.signals.health().ok);
    await a.signals[Symbol.asyncDispose]();
    const before = a.delays();
    // Somebody who goes on trying has tried several times by the time that this one has.
    const witness = start({ through: proxy });
    await eventually(() => witness.delays() >= 4);
    expect(a.delays()).toBe(before);
    proxy.mode = 'pass';
    await untilHearing(witness);
    expect(await connections(a.name)).toEqual([]);
  });

  test('in a black hole that nothing was sent into yet does not wait either', async () => {
    await using proxy = await startProxy(Number(new URL(url).port));
    const a = await listening({ through: proxy, silenceMs: 60_000 });
    proxy.mode = 'blackhole';
    await a.signals[Symbol.asyncDispose]();
    expect(proxy.mode).toBe('blackhole');
    proxy.mode = 'pass';
    await nothingLeft(a.name);
  });

  test('in a black hole does not wait for an answer that never comes', async () => {
    await using proxy = await startProxy(Number(new URL(url).port));
    const a = await listening({ through: proxy });
    proxy.mode = 'blackhole';
    a.signals.publish('membership');
    await a.signals[Symbol.asyncDispose]();
    expect(proxy.mode).toBe('blackhole');
    proxy.mode = 'pass';
    await nothingLeft(a.name);
  });
});
