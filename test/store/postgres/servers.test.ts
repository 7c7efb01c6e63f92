// In which order servers are tried, what each may take of an attempt, and that those who lost them together do not come back together.
import { beforeEach, describe, expect, test } from 'vitest';
import { StoreMisconfigured, StoreUnavailable } from '../../../src/domain/refusal.ts';
import { urlsByHost } from '../../../src/store/host-list.ts';
import { NotWritable, PoolBusy } from '../../../src/store/postgres/errors.ts';
import { type Server, Servers } from '../../../src/store/postgres/servers.ts';

const connectionString = 'postgres://u@h1,h2:5433,h3/db';

/** The clock stands still but for sleeping, and remembers for how long it slept. */
let slept: number[];
let nowMs: number;
let tried: string[];
let primary: string;

beforeEach(() => {
  slept = [];
  nowMs = 0;
  tried = [];
  primary = 'h1:5432';
});

function servers(random: () => number = () => 0, url = connectionString): Servers {
  const clock = {
    monotonicMs: () => nowMs,
    wallMs: () => nowMs,
    sleep: async (ms: number) => {
      slept.push(ms);
      nowMs += ms;
    },
  };
  return new Servers({ connectionString: url }, { clock, random });
}

async function connect({ name }: Server): Promise<string> {
  tried.push(name);
  if (name !== primary) throw new NotWritable(`${name} is a standby (read-only)`);
  return name;
}

const failing = async (): Promise<never> => {
  throw new StoreUnavailable('nobody there', { outcomeUnknown: true });
};

async function failure(of: Promise<unknown>): Promise<unknown> {
  return of.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('the order', () => {
  test('begins with the first, and later with the one that was last writable', async () => {
    const some = servers();
    primary = 'h2:5433';
    expect(await some.first(900, connect)).toBe('h2:5433');
    expect(await some.first(900, connect)).toBe('h2:5433');
    primary = 'h3:5432';
    expect(await some.first(900, connect)).toBe('h3:5432');
    expect(tried.join(' ')).toBe('h1:5432 h2:5433 h2:5433 h2:5433 h1:5432 h3:5432');
  });

  test('leaves each that is silent its share of the time that remains', async () => {
    const bounds: number[] = [];
    await failure(
      servers().first(900, async (_, boundMs) => {
        bounds.push(boundMs);
        nowMs += boundMs;
        return failing();
      }),
    );
    expect(bounds).toEqual([300, 300, 300]);
    expect(nowMs).toBe(900);
  });

  test('is not gone through because our own connections are busy', async () => {
    const busy = new PoolBusy('busy', { outcomeUnknown: false });
    const some = servers();
    const asked = some.first(900, async ({ name }) => {
      tried.push(name);
      throw busy;
    });
    expect(await failure(asked)).toBe(busy);
    expect(tried).toEqual(['h1:5432']);
    await some.first(900, connect);
    expect(slept).toEqual([]);
  });
});

describe('those who are connected', () => {
  test('hear which server to leave, and which one is the primary now', async () => {
    const some = servers();
    const heard: string[] = [];
    some.onLeave(({ name }) => heard.push(`leave ${name}`));
    const unsubscribe = some.onMove(({ name }) => heard.push(`move ${name}`));
    await some.first(900, connect);
    expect(heard).toEqual([]);
    primary = 'h2:5433';
    await some.first(900, connect);
    expect(heard).toEqual(['leave h1:5432', 'move h2:5433']);
    unsubscribe();
    const [, second] = some.all;
    if (second !== undefined) some.leave(second);
    expect(heard).toEqual(['leave h1:5432', 'move h2:5433', 'leave h2:5433']);
  });
});

describe('when none takes writes', () => {
  test('each says why', async () => {
    primary = 'nowhere';
    const error = await failure(servers().first(900, connect));
    expect(error).toBeInstanceOf(StoreUnavailable);
    expect(error).toMatchObject({
      outcomeUnknown: false,
      message:
        "none of the database's 3 servers takes writes: h1:5432 is a standby (read-only); h2:5433 is a standby (read-only); h3:5432 is a standby (read-only)",
    });
  });

  test('a person must act only if that is so for each', async () => {
    const wrong = new StoreMisconfigured('the credentials are refused');
    const allWrong = servers().first(900, () => Promise.reject(wrong));
    expect(await failure(allWrong)).toBeInstanceOf(StoreMisconfigured);
    const oneAway = servers().first(900, ({ name }) =>
      name === 'h2:5433' ? failing() : Promise.reject(wrong),
    );
    expect(await failure(oneAway)).toBeInstanceOf(StoreUnavailable);
  });

  test('a single one says what naming the others would bring', async () => {
    const alone = servers(undefined, 'postgres://u@h2/db').first(900, connect);
    expect(await failure(alone)).toMatchObject({
      message:
        'h2:5432 is a standby (read-only): waiting for a primary. Name all hosts in the URL (h1:5432,h2:5432), and the primary is found among them',
    });
  });
});

describe('coming back', () => {
  test('takes longer with each failure, and differs by chance', async () => {
    for (const some of [servers(() => 0), servers(() => 0.999)]) {
      for (let attempt = 0; attempt < 4; attempt += 1) await failure(some.first(8_000, failing));
    }
    expect(slept.map(Math.round)).toEqual([25, 50, 100, 50, 100, 200]);
  });

  test('is one pause for all who come meanwhile', async () => {
    const some = servers();
    await failure(some.first(8_000, failing));
    await Promise.all(Array.from({ length: 20 }, () => some.first(8_000, connect)));
    expect(slept).toEqual([25]);
  });

  test('waits at most for a quarter of the attempt', async () => {
    const some = servers(() => 0.999);
    for (let attempt = 0; attempt < 20; attempt += 1) await failure(some.first(200, failing));
    expect(Math.max(...slept)).toBe(50);
  });

  test('waits after a loss as well, and not after success', async () => {
    const some = servers(() => 0.5);
    await some.first(900, connect);
    some.lost();
    await some.first(900, connect);
    await some.first(900, connect);
    expect(slept).toEqual([37.5]);
  });
});

test('a list becomes one URL for each host, with all that they share', () => {
  expect(urlsByHost('postgres://u:p,w@h1,[::1]:5433,h3/db?target_session_attrs=any&sslmode=require')).toEqual(
    [
      'postgres://u:p,w@h1:5432/db?sslmode=require',
      'postgres://u:p,w@[::1]:5433/db?sslmode=require',
      'postgres://u:p,w@h3:5432/db?sslmode=require',
    ],
  );
  expect(urlsByHost('postgresql://u@/db?host=h1,::1&port=6000,')).toEqual([
    'postgresql://u@h1:6000/db',
    'postgresql://u@[::1]:5432/db',
  ]);
  expect(urlsByHost('postgres://h1,h2/db?port=6000')).toEqual([
    'postgres://h1:6000/db',
    'postgres://h2:6000/db',
  ]);
  expect(urlsByHost('postgres://u@h1/db?sslmode=require')).toEqual(['postgres://u@h1/db?sslmode=require']);
});
