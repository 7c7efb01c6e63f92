// DESIGN 3.2: the row lock serialises a reap with its session's heartbeat, and whoever comes first wins. Each order is
// forced: one of the two stays uncommitted until the other is seen to wait behind it.
import { eventually } from '../../support/eventually.ts';
import { join, silence } from './cast.ts';
import type { Mutant } from './mutants.ts';
import { differences, rule, type Scenario } from './rule.ts';

const reapsWithoutBeat: Mutant = {
  name: 'reaps without comparing the beat',
  edits: [{ statement: 'reap_session', find: /beat = (\$\d+::bigint)/, replace: '$1 is not null' }],
};

const reapsWithoutExpiry: Mutant = {
  name: 'reaps without asking the clock',
  edits: [{ statement: 'reap_session', find: /and \(expires_at < .*\)\)/, replace: '' }],
};

const reapsWithoutJump: Mutant = {
  name: 'reaps by a passed expiry alone',
  edits: [{ statement: 'reap_session', find: /or expires_at > .*\)\)/, replace: ')' }],
};

const beatsWhenEnded: Mutant = {
  name: 'beats for an ended session',
  edits: [{ statement: 'heartbeat', find: /\b(?:s\.)?ended_at is null/, replace: 'true' }],
};

/**
 * The TTL of a millisecond is over again when the reap gets the row, so that nothing but the beat tells that the session
 * spoke.
 */
const heartbeatFirst: Scenario = async (stage) => {
  const agent = await stage.store('agent');
  const reaper = await stage.store('reaper');
  const session = await join(agent, 'a', 1);
  const heartbeat = await stage.begin('heartbeat');
  await heartbeat.store.heartbeat(session);
  const reap = reaper.reapSession(session, 1);
  await stage.waits('reaper', reap);
  await eventually(async () => ((await heartbeat.store.getAgent('a'))?.expiresInMs ?? 0) < 0);
  await heartbeat.commit();
  return differences(
    { reap: await reap, nextHeartbeat: (await agent.heartbeat(session)).outcome },
    { reap: 'alive', nextHeartbeat: 'renewed' },
  );
};

const reapFirst: Scenario = async (stage) => {
  const agent = await stage.store('agent');
  const session = await join(agent, 'a');
  await silence(stage, session);
  const reap = await stage.begin('reap');
  const reaped = await reap.store.reapSession(session, 1);
  const heartbeat = agent.heartbeat(session);
  await stage.waits('agent', heartbeat);
  await reap.commit();
  return differences(
    { reaped, heartbeat: await heartbeat, state: (await agent.getAgent('a'))?.state },
    { reaped: 'reaped', heartbeat: { outcome: 'session_lost', reason: 'reaped' }, state: 'dead' },
  );
};

const heartbeatRolledBack: Scenario = async (stage) => {
  const agent = await stage.store('agent');
  const reaper = await stage.store('reaper');
  const session = await join(agent, 'a');
  await silence(stage, session);
  const heartbeat = await stage.begin('heartbeat');
  await heartbeat.store.heartbeat(session);
  const reap = reaper.reapSession(session, 1);
  await stage.waits('reaper', reap);
  await heartbeat.rollback();
  return differences(
    { reap: await reap, nextHeartbeat: (await agent.heartbeat(session)).outcome },
    { reap: 'reaped', nextHeartbeat: 'session_lost' },
  );
};

const reapRolledBack: Scenario = async (stage) => {
  const agent = await stage.store('agent');
  const reaper = await stage.store('reaper');
  const session = await join(agent, 'a');
  await silence(stage, session);
  const reap = await stage.begin('reap');
  await reap.store.reapSession(session, 1);
  const heartbeat = agent.heartbeat(session);
  await stage.waits('agent', heartbeat);
  await reap.rollback();
  return differences(
    { heartbeat: (await heartbeat).outcome, nextReap: await reaper.reapSession(session, 1) },
    { heartbeat: 'renewed', nextReap: 'alive' },
  );
};

const notExpired: Scenario = async (stage) => {
  const agent = await stage.store('agent');
  const reaper = await stage.store('reaper');
  const session = await join(agent, 'a');
  return differences({ reap: await reaper.reapSession(session, 1) }, { reap: 'alive' });
};

const clockJumpedBack: Scenario = async (stage) => {
  const agent = await stage.store('agent');
  const reaper = await stage.store('reaper');
  const session = await join(agent, 'a', 10_000);
  await stage.query(`update sessions set expires_at = clock_timestamp() + interval '1 hour'`);
  return differences({ reap: await reaper.reapSession(session, 1) }, { reap: 'reaped' });
};

rule('a reap that waited behind a heartbeat finds the session alive', heartbeatFirst, [
  { mutant: reapsWithoutBeat, shows: /reap: 'reaped'/ },
]);
rule('a heartbeat that waited behind a reap has lost its session', reapFirst, [
  { mutant: beatsWhenEnded, shows: /heartbeat: \{\s*outcome: 'renewed'/ },
]);
rule('a heartbeat that was rolled back does not save its session', heartbeatRolledBack);
rule('a reap that was rolled back ends nothing', reapRolledBack);
rule('a session that has not expired is not reaped', notExpired, [
  { mutant: reapsWithoutExpiry, shows: /reap: 'reaped'/ },
]);
rule('a session whose expiry the clock cannot have given is reaped', clockJumpedBack, [
  { mutant: reapsWithoutJump, shows: /reap: 'alive'/ },
]);
