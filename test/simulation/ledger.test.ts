// The ledger judges what it reads and nothing else: a database that was tampered with behind everybody's back breaks each claim once.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Database } from './database.ts';
import { Ledger, Violation } from './ledger.ts';

const database = new Database();
let ledger: Ledger;

/** Statements that the schema may refuse: its guards are gone. */
function tamper(...statements: readonly string[]): void {
  for (const text of statements) database.rows(text);
}

/** The claim that breaks when the ledger looks at what was tampered with. */
function claimBrokenBy(...statements: readonly string[]): string {
  tamper(...statements);
  return claimBroken(() => ledger.committed(['tampered']));
}

function claimBroken(look: () => void): string {
  try {
    look();
  } catch (error) {
    if (error instanceof Violation) return error.claim;
    throw error;
  }
  return 'none';
}

const register = (session: string): string =>
  `insert into sessions (session_id, group_name, agent_id, process, ttl_ms, expires_at)
    values ('${session}', 'default', '${session}', 'a process', 1000, 0)`;
const end = (session: string): string =>
  `update sessions set ended_at = 1, end_reason = 'reaped' where session_id = '${session}'`;
const give = (session: string, epoch: number): string =>
  `update leases set session_id = '${session}', epoch = ${epoch} where name = 'orders'`;
const append = (base: number, epoch: number): readonly string[] => [
  `insert into segments (topic_id, partition, base_offset, end_offset, segment_id, record_count, size_bytes, bucket, object_key, epoch)
    select topic_id, 0, ${base}, ${base + 9}, 'segment-${base}', 10, 100, 'b', 'k', ${epoch} from topics`,
  `update partitions set high_watermark = ${base + 10}`,
];

beforeEach(() => {
  database.begin(
    () => 0,
    () => undefined,
  );
  for (const { name } of database.rows("select name from sqlite_schema where type = 'trigger'")) {
    tamper(`drop trigger ${String(name)}`);
  }
  ledger = new Ledger(database);
  tamper(
    register('one'),
    register('two'),
    "insert into topics (group_name, name, partition_count, config) values ('default', 'orders', 1, '{}')",
    'insert into partitions (topic_id, partition) select topic_id, 0 from topics',
    "insert into leases (group_name, kind, name, partition) values ('default', 'partition', 'orders', 0)",
    give('one', 5),
    ...append(0, 5),
  );
  expect(claimBroken(() => ledger.committed(['set up']))).toBe('none');
});

afterEach(() => database.end());

describe('what is lawful', () => {
  test('breaks no claim: a release, a grant above, a write under it, an end, and a takeover', () => {
    expect(claimBrokenBy('update leases set session_id = null')).toBe('none');
    expect(claimBrokenBy(give('two', 6))).toBe('none');
    expect(claimBrokenBy(...append(10, 6))).toBe('none');
    expect(claimBrokenBy(end('two'))).toBe('none');
    expect(claimBrokenBy(give('one', 7))).toBe('none');
    expect(claimBroken(() => ledger.checkLogs())).toBe('none');
    expect(ledger.grants).toBe(3);
    expect(ledger.segmentsAccepted).toBe(2);
    expect(ledger.sessionsEnded).toBe(1);
  });
});

describe('behind a commit', () => {
  test.each([
    ['epochs only grow', [give('one', 4)]],
    ['no epoch is granted twice', [end('one'), give('two', 5)]],
    ['nobody takes from a live session', [give('two', 6)]],
    ['an ended session gets nothing', [end('one'), end('two'), give('two', 6)]],
    ['a live session is not forgotten', ["delete from sessions where session_id = 'two'"]],
    ['no write under an old epoch', append(10, 4)],
  ])('"%s" breaks', (claim, statements) => {
    expect(claimBrokenBy(...statements)).toBe(claim);
  });

  test('"no write under an old epoch" breaks where the holder has ended', () => {
    expect(claimBrokenBy(end('one'))).toBe('none');
    expect(claimBrokenBy(...append(10, 5))).toBe('no write under an old epoch');
  });

  test('"an ended session stays ended" breaks', () => {
    expect(claimBrokenBy(end('two'))).toBe('none');
    expect(claimBrokenBy('update sessions set ended_at = null, end_reason = null')).toBe(
      'an ended session stays ended',
    );
  });
});

describe('in whole logs', () => {
  const whole = (...statements: readonly string[]): string => {
    tamper(...statements);
    return claimBroken(() => ledger.checkLogs());
  };

  test('"logs have no gap and no overlap" breaks', () => {
    expect(whole(...append(20, 5))).toBe('logs have no gap and no overlap');
  });

  test('"no write under an old epoch" breaks', () => {
    expect(whole(...append(10, 4))).toBe('no write under an old epoch');
  });

  test('"acknowledged writes stay" breaks', () => {
    const [topic] = database.rows('select topic_id as id from topics');
    ledger.acknowledge('orders/0', Number(topic?.['id']), 0, 'segment-0');
    expect(whole()).toBe('none');
    expect(whole('delete from segments')).toBe('acknowledged writes stay');
  });
});
