// DESIGN 3.4 and 3.6: giving up and taking away wait for what is in flight under the lease, and lose no epoch.
import {
  append,
  createOrders,
  highWatermark,
  holderOf,
  join,
  lead,
  orders,
  outcomes,
  segment,
  take,
  topic,
  verdict,
} from './cast.ts';
import { Gate } from './gate.ts';
import type { Mutant } from './mutants.ts';
import { differences, rule, type Scenario } from './rule.ts';

const appendsWithoutLock: Mutant = {
  name: 'appends without holding the lease',
  edits: [{ statement: 'append_segments', find: /for no key update of l/, replace: '' }],
};

const releasesAnyTerm: Mutant = {
  name: 'releases whatever term the session holds',
  edits: [
    { statement: 'release_leases', find: /\bl\.epoch = w\.epoch\b/, replace: 'true' },
    { statement: 'release_leases', find: /\bl\.epoch = k\.epoch\b/, replace: 'true' },
  ],
};

const deletesWithoutBump: Mutant = {
  name: 'deletes a topic and keeps its epochs',
  edits: [{ statement: 'vacate_topic_leases', find: /, epoch = epoch \+ 1/, replace: '' }],
};

const deletesWithoutLock: Mutant = {
  name: 'deletes a topic without locking its leases first',
  edits: [{ statement: 'lock_topic_leases', find: /for update of "l"/, replace: '' }],
};

const releaseBehindAppend: Scenario = async (stage) => {
  const store = await stage.store('store');
  await createOrders(store, 1);
  const { sessionId, terms, fence } = await lead(store, 'leader', [orders(0)]);
  const appending = await stage.begin('appending');
  await append(appending.store, fence, [segment(0, 9)]);
  const release = store.releaseLeases(sessionId, terms, 'released');
  const fate = await stage.fate('store', release);
  await appending.commit();
  const released = outcomes(await release);
  const lease = await store.getLease(orders(0));
  return differences(
    {
      fate,
      released,
      holder: lease?.agentId,
      epoch: lease?.epoch,
      highWatermark: await highWatermark(store),
      late: await verdict(append(store, fence, [segment(10, 19)])),
    },
    {
      fate: 'waits',
      released: ['released'],
      holder: null,
      epoch: fence.epoch,
      highWatermark: 10,
      late: 'no_lease',
    },
  );
};

/** A release that was sent twice: the second meets the row while the session takes the lease again. */
const repeatedRelease: Scenario = async (stage) => {
  const store = await stage.store('store');
  await createOrders(store, 1);
  const { sessionId, terms } = await lead(store, 'leader', [orders(0)]);
  const again = await stage.begin('again');
  await again.store.releaseLeases(sessionId, terms, 'released');
  const next = await take(again.store, sessionId, [orders(0)]);
  const repeated = store.releaseLeases(sessionId, terms, 'released');
  await stage.waits('store', repeated);
  await again.commit();
  const inFlight = outcomes(await repeated);
  const late = outcomes(await store.releaseLeases(sessionId, terms, 'released'));
  const lease = await store.getLease(orders(0));
  return differences(
    { inFlight, late, holder: lease?.agentId, epoch: lease?.epoch },
    { inFlight: ['superseded'], late: ['superseded'], holder: 'leader', epoch: next.fence.epoch },
  );
};

const releaseOfAnothers: Scenario = async (stage) => {
  const store = await stage.store('store');
  await createOrders(store, 1);
  const { terms } = await lead(store, 'leader', [orders(0)]);
  const other = await join(store, 'other');
  const released = outcomes(await store.releaseLeases(other, terms, 'released'));
  return differences(
    { released, holder: await holderOf(store, orders(0)) },
    { released: ['superseded'], holder: 'leader' },
  );
};

const deleteBehindAppend: Scenario = async (stage) => {
  const store = await stage.store('store');
  await createOrders(store, 1);
  const { fence } = await lead(store, 'leader', [orders(0)]);
  const appending = await stage.begin('appending');
  await append(appending.store, fence, [segment(0, 9)]);
  const deleted = store.deleteTopic(topic);
  const fate = await stage.fate('store', deleted);
  await appending.commit();
  await deleted;
  await createOrders(store, 1);
  const lease = await store.getLease(orders(0));
  return differences(
    {
      fate,
      holder: lease?.agentId,
      epoch: lease?.epoch,
      highWatermark: await highWatermark(store),
      late: await verdict(append(store, fence, [segment(0, 9)])),
    },
    { fate: 'waits', holder: null, epoch: fence.epoch + 1, highWatermark: 0, late: 'fenced' },
  );
};

const deleteBehindAcquire: Scenario = async (stage) => {
  const store = await stage.store('store');
  await createOrders(store, 1);
  const session = await join(store, 'candidate');
  const acquiring = await stage.begin('acquiring');
  const { fence } = await take(acquiring.store, session, [orders(0)]);
  const deleted = store.deleteTopic(topic);
  await stage.waits('store', deleted);
  await acquiring.commit();
  await deleted;
  const [term] = await store.leaseHistory(orders(0), 10);
  const held = await store.heldLeases(session);
  return differences(
    {
      epoch: await stage.number('select epoch from leases'),
      ended: term?.reason,
      held: held.terms,
      holdingsVersion: held.holdingsVersion,
      again: outcomes(await store.acquireLeases(session, [orders(0)])),
    },
    { epoch: fence.epoch + 1, ended: 'topic_deleted', held: [], holdingsVersion: 2, again: ['unknown'] },
  );
};

function acquireDuringDelete(end: 'commit' | 'rollback', after: string): Scenario {
  return async (stage) => {
    const store = await stage.store('store');
    await createOrders(store, 1);
    const session = await join(store, 'candidate');
    const deleting = await stage.begin('deleting');
    await deleting.store.deleteTopic(topic);
    const acquire = store.acquireLeases(session, [orders(0)]);
    const fate = await stage.fate('store', acquire);
    await deleting[end]();
    return differences(
      {
        fate,
        during: outcomes(await acquire),
        after: outcomes(await store.acquireLeases(session, [orders(0)])),
      },
      { fate: 'answered', during: ['busy'], after: [after] },
    );
  };
}

/** The topic goes when the acquire has its snapshot, with the topic in it, and not yet the lease. */
const deleteInTheWindow: Scenario = async (stage) => {
  const store = await stage.store('store');
  const late = await stage.store('late');
  await createOrders(store, 1);
  const session = await join(store, 'candidate');
  const gate = await Gate.shut(stage, 'late');
  const acquire = late.acquireLeases(session, [orders(0)]);
  await stage.waits('late', acquire);
  await store.deleteTopic(topic);
  await gate.open();
  const answer = outcomes(await acquire);
  const held = (await store.heldLeases(session)).terms.length;
  return differences({ answer, held }, { answer: ['unknown'], held: 0 });
};

rule('a release waits for the append in flight, and then the lease is vacant', releaseBehindAppend, [
  { mutant: appendsWithoutLock, shows: /fate: 'answered'/ },
]);
rule('a repeated release does not end the term that came after', repeatedRelease, [
  { mutant: releasesAnyTerm, shows: /holder: null, not 'leader'/ },
]);
rule("another's term is not released, nor said to be", releaseOfAnothers);
rule('a deletion waits for the append in flight and fences its leader', deleteBehindAppend, [
  { mutant: deletesWithoutBump, shows: /late: 'no_lease'/ },
]);
rule('a deletion waits for the acquire in flight and ends the term it made', deleteBehindAcquire, [
  { mutant: deletesWithoutBump, shows: /epoch: / },
  { mutant: deletesWithoutLock, shows: /ended: null/ },
]);
rule(
  'an acquire does not wait for a deletion, and then there is nothing to lead',
  acquireDuringDelete('commit', 'unknown'),
);
rule(
  'an acquire behind a deletion that was rolled back is granted',
  acquireDuringDelete('rollback', 'granted'),
);
rule('a topic deleted within the acquire is not led', deleteInTheWindow, [
  { mutant: deletesWithoutBump, shows: /held: 1/ },
]);
