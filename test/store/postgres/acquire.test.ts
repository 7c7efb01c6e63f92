// DESIGN 3.3: an acquire judges in its snapshot who is alive, and takes only what still has the epoch it judged.
import { inspect } from 'node:util';
import { bury, createOrders, holderOf, join, lead, orders, outcomes } from './cast.ts';
import { Gate } from './gate.ts';
import type { Mutant } from './mutants.ts';
import { differences, rule, type Scenario } from './rule.ts';
import type { Stage } from './stage.ts';

const epochOfLocked = { statement: 'acquire_leases', find: /\bl\.epoch = f\.epoch\b/ };
const epochOfGranted = { statement: 'acquire_leases', find: /\bl\.epoch = k\.epoch\b/, replace: 'true' };

const comparesNoEpoch: Mutant = {
  name: 'locks without comparing the epoch',
  edits: [{ ...epochOfLocked, replace: 'true' }, epochOfGranted],
};

/** The trap: the row is the new one, but the sessions it is looked up in are those of the old snapshot. */
const noLiveSession = `not exists (
  select 1 from {schema}.sessions s where s.session_id = l.session_id and s.ended_at is null)`;

const judgesBySession: Mutant = {
  name: 'judges the locked row by its session instead of its epoch',
  edits: [{ ...epochOfLocked, replace: noLiveSession }, epochOfGranted],
};

const waitsAndJudgesBySession: Mutant = {
  name: 'waits for the row and judges it by its session',
  edits: [...judgesBySession.edits, { statement: 'acquire_leases', find: /skip locked/, replace: '' }],
};

const grantsWithoutBump: Mutant = {
  name: 'grants under the epoch before',
  edits: [
    { statement: 'acquire_leases', find: /set epoch = greatest\(.*\),/, replace: 'set epoch = l.epoch,' },
  ],
};

const takesFromTheLiving: Mutant = {
  name: 'takes leases whoever holds them',
  edits: [
    {
      statement: 'acquire_leases',
      find: /s\.session_id = l\.session_id and s\.ended_at is null/,
      replace: 'false',
    },
  ],
};

const touchesAlways: Mutant = {
  name: 'raises the holdings version of losers too',
  edits: [{ statement: 'acquire_leases', find: /\(select count\(\*\) from granted\) > 0/, replace: 'true' }],
};

/** Between the snapshot of `late` and its lock a newcomer registers and acquires: two rows that the snapshot cannot show. */
const newcomerInTheWindow: Scenario = async (stage) => {
  const quick = await stage.store('quick');
  const late = await stage.store('late');
  await createOrders(quick, 1);
  const dead = await lead(quick, 'dead', [orders(0)]);
  await bury(stage, quick, dead.sessionId);
  const lateSession = await join(quick, 'late');
  const gate = await Gate.shut(stage, 'late');
  const acquire = late.acquireLeases(lateSession, [orders(0)]);
  await stage.waits('late', acquire);
  await lead(quick, 'newcomer', [orders(0)]);
  await gate.open();
  return differences(
    { late: outcomes(await acquire), holder: await holderOf(quick, orders(0)) },
    { late: ['held'], holder: 'newcomer' },
  );
};

/** The newcomer's registration and grant are uncommitted when the acquire meets the row. */
const newcomerInFlight: Scenario = async (stage) => {
  const late = await stage.store('late');
  await createOrders(late, 1);
  const lateSession = await join(late, 'late');
  const newcomer = await stage.begin('newcomer');
  await lead(newcomer.store, 'newcomer', [orders(0)]);
  const first = late.acquireLeases(lateSession, [orders(0)]);
  const fate = await stage.fate('late', first);
  await newcomer.commit();
  return differences(
    {
      fate,
      first: outcomes(await first),
      again: outcomes(await late.acquireLeases(lateSession, [orders(0)])),
      holder: await holderOf(late, orders(0)),
    },
    { fate: 'answered', first: ['busy'], again: ['held'], holder: 'newcomer' },
  );
};

const rolledBackGrant: Scenario = async (stage) => {
  const late = await stage.store('late');
  await createOrders(late, 1);
  const session = await join(late, 'late');
  const newcomer = await stage.begin('newcomer');
  await lead(newcomer.store, 'newcomer', [orders(0)]);
  const first = outcomes(await late.acquireLeases(session, [orders(0)]));
  await newcomer.rollback();
  const again = outcomes(await late.acquireLeases(session, [orders(0)]));
  return differences({ first, again }, { first: ['busy'], again: ['granted'] });
};

/** All candidates have judged the lease free, in snapshots before the first grant, when they are let go at once. */
const fiftyCandidates: Scenario = async (stage) => {
  const candidates = 50;
  const quick = await stage.store('quick');
  const many = await stage.store('many', { poolMax: candidates });
  await createOrders(quick, 1);
  const names = Array.from({ length: candidates }, (_, i) => `candidate-${i}`);
  const sessions = await Promise.all(names.map((name) => join(quick, name)));
  const gate = await Gate.shut(stage, 'many');
  await recordWrites(stage);
  const asked = sessions.map((session) => many.acquireLeases(session, [orders(0)]));
  const all = Promise.all(asked);
  await stage.waits('many', all, candidates);
  await gate.open();
  const answers = (await all).flatMap(outcomes);
  const writes = await stage.query(
    `select what, count(*)::int as rows from written group by what order by what`,
  );
  return differences(
    {
      winners: answers.filter((outcome) => outcome === 'granted').length,
      losers: answers.filter((outcome) => outcome === 'held' || outcome === 'busy').length,
      writes: writes.map(({ what, rows }) => `${String(what)} ${String(rows)}`),
    },
    {
      winners: 1,
      losers: candidates - 1,
      writes: ['INSERT lease_history 1', 'UPDATE leases 1', 'UPDATE sessions 1'],
    },
  );
};

/** Late ones that ask when the lease is long held. */
const fiftyLosers: Scenario = async (stage) => {
  const holder = await stage.store('holder');
  const many = await stage.store('many');
  await createOrders(holder, 1);
  await lead(holder, 'holder', [orders(0)]);
  const names = Array.from({ length: 50 }, (_, i) => `loser-${i}`);
  const sessions = await Promise.all(names.map((name) => join(many, name)));
  await recordWrites(stage);
  const answers = await Promise.all(sessions.map((session) => many.acquireLeases(session, [orders(0)])));
  return differences(
    {
      answers: [...new Set(answers.flatMap(outcomes))],
      writes: await stage.number('select count(*) from written'),
    },
    { answers: ['held'], writes: 0 },
  );
};

/** Every row written from now on leaves a row in `written`. */
async function recordWrites(stage: Stage): Promise<void> {
  const tables = ['leases', 'sessions', 'lease_history', 'partitions', 'agents', 'agent_groups'];
  const triggers = tables.map(
    (table) => `create trigger record after insert or update or delete on ${table}
      for each row execute function record_write();`,
  );
  await stage.query(`
    create table written (what text);
    create function record_write() returns trigger language plpgsql as $$
    begin
      execute format('insert into %I.written values ($1)', tg_table_schema) using tg_op || ' ' || tg_table_name;
      return null;
    end $$;
    ${triggers.join('\n')}`);
}

const oneGrant: Scenario = async (stage) => {
  const store = await stage.store('store');
  await createOrders(store, 1);
  const session = await join(store, 'a');
  const [answer] = await Promise.allSettled([store.acquireLeases(session, [orders(0)])]);
  return differences({ refused: answer.status === 'rejected' && inspect(answer.reason) }, { refused: false });
};

rule('a lease that a newcomer took within the acquire is left alone', newcomerInTheWindow, [
  { mutant: judgesBySession, shows: /late: \[ 'granted' \]/ },
  { mutant: comparesNoEpoch, shows: /holder: 'late'/ },
]);
rule('a lease that a newcomer is taking is left alone, without waiting', newcomerInFlight, [
  { mutant: waitsAndJudgesBySession, shows: /fate: 'waits'.*\nfirst: \[ 'granted' \]/ },
]);
rule('a lease whose grant was rolled back is free', rolledBackGrant);
rule('of fifty acquires at once one wins and the others write nothing', fiftyCandidates, [
  { mutant: touchesAlways, shows: /UPDATE sessions 50/ },
]);
rule('who asks for a held lease writes nothing', fiftyLosers, [
  { mutant: touchesAlways, shows: /writes: 50/ },
  { mutant: takesFromTheLiving, shows: /answers: .*'granted'/ },
]);
rule('a grant raises the epoch, or the database refuses it', oneGrant, [
  { mutant: grantsWithoutBump, shows: /check constraint/ },
]);
