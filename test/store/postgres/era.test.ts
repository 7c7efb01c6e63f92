// Another history under the store, as a promotion leaves it: nothing is granted, nothing is written under a lease, nothing is believed,
// and the first who sees it opens one new era. The era row is given another timeline here; test/e2e/promotion.test.ts promotes a standby.
import { Refusal } from '../../../src/domain/refusal.ts';
import { eventually } from '../../support/eventually.ts';
import { append, createOrders, join, lead, orders, outcomes, segment, verdict } from './cast.ts';
import type { Mutant } from './mutants.ts';
import { differences, rule, type Scenario } from './rule.ts';
import type { Stage } from './stage.ts';

const comparison =
  /coalesce\(cast\(era\.system_identifier as text\) = server\.system_identifier and era\.timeline = server\.timeline, true\)/;

/** Statements that take every history for the era's own. */
function blind(name: string, ...statements: string[]): Mutant {
  return { name, edits: statements.map((statement) => ({ statement, find: comparison, replace: 'true' })) };
}

const anotherHistory = 'update era set timeline = timeline + 40';

async function refused(asked: Promise<unknown>): Promise<string> {
  return asked.then(
    () => 'answered',
    (error: unknown) => (error instanceof Refusal ? error.code : String(error)),
  );
}

const granting: Scenario = async (stage) => {
  const store = await stage.store('store');
  await createOrders(store, 1);
  const session = await join(store, 'a');
  await stage.query(anotherHistory);
  const asked = await refused(store.acquireLeases(session, [orders(0)]));
  return differences(
    {
      asked,
      epoch: await stage.number('select epoch from leases'),
      era: await stage.number('select number from era'),
      alive: await stage.number('select count(*) from sessions where ended_at is null'),
    },
    { asked: 'session_lost', epoch: 0, era: 2, alive: 0 },
  );
};

const appending: Scenario = async (stage) => {
  const store = await stage.store('store');
  await createOrders(store, 1);
  const { fence } = await lead(store, 'a', [orders(0)]);
  await stage.query(anotherHistory);
  const answer = await verdict(append(store, fence, [segment(0, 9)]));
  return differences(
    {
      answer,
      stored: await stage.number('select count(*) from segments'),
      era: await stage.number('select number from era'),
    },
    { answer: 'no_lease', stored: 0, era: 2 },
  );
};

/** The store names us, but of a history in which we may have lost it. */
const believing: Scenario = async (stage) => {
  const store = await stage.store('store');
  await createOrders(store, 1);
  const { sessionId } = await lead(store, 'a', [orders(0)]);
  await stage.query(anotherHistory);
  const asked = await refused(store.acquireLeases(sessionId, [orders(0)]));
  return differences({ asked }, { asked: 'session_lost' });
};

const reading: Scenario = async (stage) => {
  const store = await stage.store('store');
  await createOrders(store, 1);
  const { sessionId } = await lead(store, 'a', [orders(0)]);
  await stage.query(anotherHistory);
  return differences({ held: await refused(store.heldLeases(sessionId)) }, { held: 'session_lost' });
};

const beating: Scenario = async (stage) => {
  const store = await stage.store('store');
  const session = await join(store, 'a');
  await store.heartbeat(session);
  await stage.query(anotherHistory);
  const answer = await store.heartbeat(session);
  return differences({ answer }, { answer: { outcome: 'session_lost', reason: 'new_era', era: 2 } });
};

/** Registered in what was lost: nobody knows the session, and that is the first thing that anybody hears. */
const unknownSession: Scenario = async (stage) => {
  const store = await stage.store('store');
  const session = await join(store, 'a', 70_000);
  await store.heartbeat(session);
  await stage.query(anotherHistory);
  await stage.query('delete from sessions');
  const answer = await store.heartbeat(session);
  const { quarantineMs } = await store.currentEra();
  return differences(
    { answer, quarantineMs },
    { answer: { outcome: 'session_lost', reason: 'new_era', era: 2 }, quarantineMs: 70_000 },
  );
};

const quarantined: Scenario = async (stage) => {
  const store = await stage.store('store');
  await createOrders(store, 1);
  await lead(store, 'a', [orders(0)]);
  await stage.query(anotherHistory);
  await refused(store.acquireLeases(await join(store, 'b'), [orders(0)]));
  const asked = outcomes(await store.acquireLeases(await join(store, 'b'), [orders(0)]));
  return differences({ asked }, { asked: ['quarantined'] });
};

/** Two agents see the break at once; both are held up where they have done everything else. */
const racing: Scenario = async (stage) => {
  const [one, two] = [await stage.store('one'), await stage.store('two')];
  const sessions = [await join(one, 'a'), await join(two, 'b')] as const;
  for (const [i, store] of [one, two].entries()) await store.heartbeat(sessions[i] ?? '');
  await stage.query(anotherHistory);
  await stage.query('begin');
  await stage.query('select number from era for update');
  const answers = [one.heartbeat(sessions[0]), two.heartbeat(sessions[1])];
  await eventually(async () => (await lockWaiters(stage)) === 2, { what: 'both to wait' });
  await stage.query('commit');
  const heard = await Promise.all(answers);
  return differences(
    {
      heard: heard.map((each) => ('reason' in each ? each.reason : 'renewed')),
      era: await stage.number('select number from era'),
    },
    { heard: ['new_era', 'new_era'], era: 2 },
  );
};

async function lockWaiters(stage: Stage): Promise<number> {
  // Inside a transaction what is seen of other connections stays as it was at the first look.
  await stage.query('select pg_stat_clear_snapshot()');
  return stage.number(
    `select count(*) from pg_stat_activity where wait_event_type = 'Lock' and application_name = any($1)`,
    [['one', 'two'].map((name) => stage.applicationName(name))],
  );
}

rule('nothing is granted on another history', granting, [
  { mutant: blind('grants whatever the history', 'acquire_leases'), shows: /epoch: 4294967296/ },
]);
rule('no segment is appended on another history', appending, [
  { mutant: blind('appends whatever the history', 'append_segments'), shows: /stored: 1/ },
]);
rule('what another history says that we hold is not believed', believing, [
  {
    mutant: blind('looks whatever the history', 'select_lease_states', 'select_holdings_version'),
    shows: /asked: 'answered'/,
  },
]);
rule('what is held is not read from another history', reading, [
  { mutant: blind('reads them whatever the history', 'select_holdings_version'), shows: /held: 'answered'/ },
]);
rule('a heartbeat notices another history', beating, [
  { mutant: blind('beats whatever the history', 'heartbeat'), shows: /outcome: 'renewed'/ },
]);
rule('a session that was lost with its registration is lost to the new era', unknownSession, [
  { mutant: blind('forgets to look there', 'select_fate'), shows: /reason: 'unknown'/ },
]);
rule('others wait for the quarantine', quarantined, [
  {
    mutant: {
      name: 'knows no quarantine',
      edits: [
        {
          statement: 'acquire_leases',
          find: /<= 0\s+or w\.reclaimed = 1/,
          replace: 'is not null or w.reclaimed = 1',
        },
      ],
    },
    shows: /asked: \[ 'granted' \]/,
  },
]);
rule('two agents that see another history open one era', racing, [
  {
    mutant: {
      name: 'opens eras beside each other',
      edits: [
        { statement: 'exclude_lease_writes', find: /lock table .* in exclusive mode/, replace: 'select 1' },
      ],
    },
    shows: /era: 3/,
  },
]);
