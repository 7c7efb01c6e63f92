// DESIGN section 4: a session whose connection died may be ended before its TTL, but only while its lock is missing, and only as it was
// seen: an agent that lives has beaten under another lock, and keeps its session.
import { eventually } from '../../support/eventually.ts';
import { orders } from '../contract/samples.ts';
import { join } from './cast.ts';
import type { Mutant } from './mutants.ts';
import { differences, rule, type Scenario } from './rule.ts';
import type { Stage } from './stage.ts';

const reapsWithoutLock: Mutant = {
  name: 'reaps although the lock is held',
  edits: [
    {
      statement: 'reap_crashed_session',
      find: /not exists \([^]*(\$4::bigint)\)/,
      replace: '$1 is not null',
    },
  ],
};

const reapsWithoutKey: Mutant = {
  name: 'reaps without comparing the key',
  edits: [
    {
      statement: 'reap_crashed_session',
      find: /and lock_key = (\$\d+::bigint)/,
      replace: 'and $1 is not null',
    },
  ],
};

const reapsWithoutBeat: Mutant = {
  name: 'reaps without comparing the beat',
  edits: [{ statement: 'reap_crashed_session', find: /beat = (\$\d+::bigint)/, replace: '$1 is not null' }],
};

const goesBackToAnEarlierKey: Mutant = {
  name: 'names the lock of whichever heartbeat came last',
  edits: [{ statement: 'heartbeat', find: /lock_key > (\$\d+::bigint) then/, replace: '$1 is null then' }],
};

/** An agent whose connection others can see. */
async function living(stage: Stage, heard: string[] = []) {
  const store = await stage.store('agent', { onConnectionLost: () => heard.push('lost') });
  const sessionId = await join(store, 'a');
  const answer = await store.heartbeat(sessionId);
  return { store, sessionId, answer };
}

async function seen(stage: Stage) {
  const observer = await stage.store('observer');
  const [session] = (await observer.observeSessions()).sessions;
  if (session === undefined || session.lockKey === null) throw new Error('no lock is shown');
  return { observer, beat: session.beat, lockKey: session.lockKey, isLockHeld: session.isLockHeld };
}

/** The server ends the connection that the heartbeats use. */
async function killConnection(stage: Stage): Promise<void> {
  const killed = await stage.number(
    `select count(pg_terminate_backend(pid)) from pg_locks
      where locktype = 'advisory' and (classid::bigint << 32) | objid::bigint = (select lock_key from sessions where ended_at is null)`,
  );
  if (killed !== 1) throw new Error(`${killed} connections hold the lock`);
}

const untilMissing = (stage: Stage) =>
  eventually(async () => {
    const now = await seen(stage);
    return !now.isLockHeld && now;
  });

const dead: Scenario = async (stage) => {
  const heard: string[] = [];
  const { sessionId, answer } = await living(stage, heard);
  const before = await seen(stage);
  await killConnection(stage);
  const { observer, beat, lockKey } = await untilMissing(stage);
  await eventually(() => heard.length > 0);
  const reaped = await observer.reapCrashed(sessionId, beat, lockKey);
  const agent = await observer.getAgent('a');
  return differences(
    {
      told: answer.outcome === 'renewed' && answer.isCrashDetected,
      held: before.isLockHeld,
      heard,
      reaped,
      again: await observer.reapCrashed(sessionId, beat, lockKey),
      state: agent?.state,
    },
    { told: true, held: true, heard: ['lost'], reaped: 'reaped', again: 'already_ended', state: 'dead' },
  );
};

const alive: Scenario = async (stage) => {
  const { store, sessionId } = await living(stage);
  const { observer, beat, lockKey } = await seen(stage);
  return differences(
    {
      reap: await observer.reapCrashed(sessionId, beat, lockKey),
      heartbeat: (await store.heartbeat(sessionId)).outcome,
    },
    { reap: 'alive', heartbeat: 'renewed' },
  );
};

/** Whoever takes over learns why, and the record says so. */
const takenOver: Scenario = async (stage) => {
  const { store, sessionId } = await living(stage);
  await store.createTopic({ name: 'orders', partitionCount: 1, retentionMs: null, config: {} });
  await store.acquireLeases(sessionId, [orders]);
  await killConnection(stage);
  const { observer, beat, lockKey } = await untilMissing(stage);
  await observer.reapCrashed(sessionId, beat, lockKey);
  const { outcomes } = await observer.acquireLeases(await join(observer, 'b'), [orders]);
  const [outcome] = outcomes;
  const [, before] = await observer.leaseHistory(orders, 2);
  return differences(
    { cause: outcome?.outcome === 'granted' && outcome.takenOver?.cause, reason: before?.reason },
    { cause: 'crashed', reason: 'crashed' },
  );
};

/** The connection died, and the agent has made a new one: what was seen before is not so any more. */
const backAgain: Scenario = async (stage) => {
  const { store, sessionId } = await living(stage);
  await killConnection(stage);
  const { observer, beat, lockKey } = await untilMissing(stage);
  await eventually(() =>
    store
      .heartbeat(sessionId)
      .then(() => true)
      .catch(() => false),
  );
  const now = await seen(stage);
  return differences(
    {
      lock: now.isLockHeld,
      isAnother: now.lockKey !== lockKey,
      byBeat: await observer.reapCrashed(sessionId, now.beat, lockKey),
      byKey: await observer.reapCrashed(sessionId, beat, lockKey),
    },
    { lock: true, isAnother: true, byBeat: 'alive', byKey: 'alive' },
  );
};

/** It beat once more before it died: whoever saw it before judges again. */
const beatenSince: Scenario = async (stage) => {
  const { store, sessionId } = await living(stage);
  const { observer, beat, lockKey } = await seen(stage);
  await store.heartbeat(sessionId);
  await killConnection(stage);
  await untilMissing(stage);
  return differences({ reap: await observer.reapCrashed(sessionId, beat, lockKey) }, { reap: 'alive' });
};

/** The session was told of a later connection's lock since: the heartbeat of an earlier one comes behind that. */
const cameLate: Scenario = async (stage) => {
  const { store, sessionId } = await living(stage);
  const { lockKey } = await seen(stage);
  const later = lockKey + 1;
  await stage.query(`update sessions set lock_key = ${later} where ended_at is null`);
  const { outcome } = await store.heartbeat(sessionId);
  const now = await seen(stage);
  return differences({ outcome, isLater: now.lockKey === later }, { outcome: 'renewed', isLater: true });
};

rule('a session whose lock has vanished is ended, whatever its TTL', dead);
rule('a takeover of a session that was ended before its time tells of a crash', takenOver);
rule('a session whose lock is held is not ended', alive, [
  { mutant: reapsWithoutLock, shows: /reap: 'reaped', not 'alive'/ },
]);
rule('a session that is back under another lock is not ended', backAgain, [
  { mutant: reapsWithoutKey, shows: /byBeat: 'reaped', not 'alive'/ },
]);
rule('a session that beat since it was seen is not ended', beatenSince, [
  { mutant: reapsWithoutBeat, shows: /reap: 'reaped', not 'alive'/ },
]);
rule('a heartbeat that comes behind a later one does not name its lock, which may be gone', cameLate, [
  { mutant: goesBackToAnEarlierKey, shows: /isLater: false, not true/ },
]);
