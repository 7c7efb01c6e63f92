// Purging leases of deleted topics against everything that may happen to the name meanwhile (src/domain/README.md, "Purge"): no
// epoch is granted twice, and no topic is left without leases.
import { StoreUnavailable } from '../../../src/domain/refusal.ts';
import type { MetadataStore } from '../../../src/store/metadata-store.ts';
import { allOrders, createOrders, join, lead, orders, outcomes, take, topic } from './cast.ts';
import type { Mutant } from './mutants.ts';
import { differences, rule, type Scenario } from './rule.ts';
import type { Stage } from './stage.ts';

/** Everything that has ended is older than this. */
const everything = -1_000;

const reservesNothing: Mutant = {
  name: 'purges a name without keeping others from creating it',
  edits: [
    {
      statement: 'reserve_topic_names',
      find: /insert into [^]*?select (\S+), w\.name, 1, '\{\}' from ([^]*) where true order by w\.name[^]*/,
      replace: 'select -1 as topic_id, w.name from $2 where $1 is not null',
    },
  ],
};

const startsAnew: Mutant = {
  name: 'has lost the trigger leases_start_at_the_floor',
  edits: [],
  ddl: 'drop trigger leases_start_at_the_floor on leases',
};

const keepsNoFloor: Mutant = {
  name: 'deletes leases and leaves a floor below their epochs',
  edits: [{ statement: 'raise_epoch_floors', find: /max\(w\.epoch\)/, replace: 'max(w.epoch) - 2' }],
  ddl: 'drop trigger leases_are_deleted_under_a_floor on leases',
};

const deletesWhatIsHeld: Mutant = {
  name: 'purges whoever holds it',
  edits: [
    {
      statement: 'select_orphaned_leases',
      find: /and not exists \(select 1 from \S+ s where s\.session_id = l\.session_id and s\.ended_at is null\)/,
      replace: '',
    },
  ],
};

const waitsForWhatIsHeld: Mutant = {
  name: 'purges whoever holds it, and waits for it',
  edits: [
    ...deletesWhatIsHeld.edits,
    { statement: 'lock_orphaned_leases', find: /skip locked/, replace: '' },
  ],
};

const trustsItsSnapshot: Mutant = {
  name: 'deletes leases as they were judged, whatever came meanwhile',
  edits: [
    { statement: 'lock_orphaned_leases', find: /and l\.epoch = w\.epoch/, replace: '' },
    { statement: 'lock_orphaned_leases', find: /skip locked/, replace: '' },
  ],
};

const waitsForLeases: Mutant = {
  name: 'waits for the leases that it purges',
  edits: [{ statement: 'lock_orphaned_leases', find: /skip locked/, replace: '' }],
};

/** A topic that was led and is gone, its leases not yet purged; answers the last epoch granted. */
async function deleted(store: MetadataStore, partitions = 1): Promise<number> {
  await createOrders(store, partitions);
  const { sessionId, fence } = await lead(store, 'leader', allOrders(partitions));
  await store.deleteTopic(topic);
  await store.endSession(sessionId, 'deregistered');
  return fence.epoch;
}

/** What the next one gets of partition 0: whether, and above the epoch granted before. */
async function next(store: MetadataStore, before: number) {
  const answer = await store.acquireLeases(await join(store, 'next'), [orders(0)]);
  const [outcome] = answer.outcomes;
  const isAbove = outcome?.outcome === 'granted' && outcome.epoch > before;
  return { granted: outcome?.outcome, isAbove };
}

const purgeThenCreate: Scenario = async (stage) => {
  const store = await stage.store('store');
  const before = await deleted(store);
  const { leases } = await store.purge(everything);
  await createOrders(store, 1);
  return differences(
    { leases, ...(await next(store, before)) },
    { leases: 1, granted: 'granted', isAbove: true },
  );
};

/** As `deleted`, of two partitions, and the first one's lease has gone before: a creation of one meets none that is being purged. */
async function deletedBeside(stage: Stage, store: MetadataStore): Promise<number> {
  await createOrders(store, 2);
  const { sessionId, fence } = await lead(store, 'leader', [orders(1)]);
  await store.deleteTopic(topic);
  await store.endSession(sessionId, 'deregistered');
  await stage.query(
    `insert into epoch_floors select group_name, kind, name, epoch from leases where partition = 0`,
  );
  await stage.query(`delete from leases where partition = 0`);
  return fence.epoch;
}

const createDuringPurge: Scenario = async (stage) => {
  const store = await stage.store('store');
  const before = await deletedBeside(stage, store);
  const purging = await stage.begin('purging');
  const { leases } = await purging.store.purge(everything);
  const creating = createOrders(store, 1);
  const fate = await stage.fate('store', creating);
  await purging.commit();
  await creating;
  return differences(
    { leases, fate, ...(await next(store, before)) },
    { leases: 1, fate: 'waits', granted: 'granted', isAbove: true },
  );
};

const purgeDuringCreate: Scenario = async (stage) => {
  const store = await stage.store('store');
  const before = await deleted(store);
  const creating = await stage.begin('creating');
  await createOrders(creating.store, 1);
  const purging = store.purge(everything);
  const fate = await stage.fate('store', purging);
  await creating.commit();
  const { leases } = await purging;
  return differences(
    { fate, leases, ...(await next(store, before)) },
    { fate: 'waits', leases: 0, granted: 'granted', isAbove: true },
  );
};

/** The creation did not happen: nothing keeps the leases. */
const purgeDuringFailedCreate: Scenario = async (stage) => {
  const store = await stage.store('store');
  const before = await deleted(store);
  const creating = await stage.begin('creating');
  await createOrders(creating.store, 1);
  const purging = store.purge(everything);
  await stage.waits('store', purging);
  await creating.rollback();
  const { leases } = await purging;
  await createOrders(store, 1);
  return differences(
    { leases, ...(await next(store, before)) },
    { leases: 1, granted: 'granted', isAbove: true },
  );
};

const purgeDuringDelete: Scenario = async (stage) => {
  const store = await stage.store('store');
  await createOrders(store, 1);
  const { fence } = await lead(store, 'leader', [orders(0)]);
  const deleting = await stage.begin('deleting');
  await deleting.store.deleteTopic(topic);
  const { leases } = await store.purge(everything);
  await deleting.commit();
  const later = await store.purge(everything);
  await createOrders(store, 1);
  return differences(
    { leases, later: later.leases, ...(await next(store, fence.epoch)) },
    { leases: 0, later: 1, granted: 'granted', isAbove: true },
  );
};

/** The topic and its history go past all code of ours: only the lease itself says that it is held. */
async function vanish(stage: Stage): Promise<void> {
  await stage.query('delete from topics');
  await stage.query('delete from lease_history');
}

const heldAllTheSame: Scenario = async (stage) => {
  const store = await stage.store('store');
  await createOrders(store, 1);
  const { sessionId, terms } = await lead(store, 'leader', [orders(0)]);
  await vanish(stage);
  const { leases } = await store.purge(everything);
  const held = (await store.heldLeases(sessionId)).terms.length;
  const released = outcomes(await store.releaseLeases(sessionId, terms, 'released'));
  return differences({ leases, held, released }, { leases: 0, held: 1, released: ['released'] });
};

const purgeDuringRelease: Scenario = async (stage) => {
  const store = await stage.store('store');
  await createOrders(store, 1);
  const { sessionId, terms, fence } = await lead(store, 'leader', [orders(0)]);
  await vanish(stage);
  const releasing = await stage.begin('releasing');
  await releasing.store.releaseLeases(sessionId, terms, 'released');
  const purging = store.purge(everything);
  const fate = await stage.fate('store', purging);
  await releasing.commit();
  const during = (await purging).leases;
  const after = (await store.purge(everything)).leases;
  await createOrders(store, 1);
  return differences(
    { fate, during, after, ...(await next(store, fence.epoch)) },
    { fate: 'answered', during: 0, after: 1, granted: 'granted', isAbove: true },
  );
};

/** An acquire that began while there was a topic has the row; the topic goes, and the purge has judged the lease free. */
const purgeDuringAcquire: Scenario = async (stage) => {
  const store = await stage.store('store');
  await createOrders(store, 1);
  const session = await join(store, 'late');
  const acquiring = await stage.begin('acquiring');
  await take(acquiring.store, session, [orders(0)]);
  await vanish(stage);
  const purging = store.purge(everything);
  const fate = await stage.fate('store', purging);
  await acquiring.commit();
  const { leases } = await purging;
  const held = (await store.heldLeases(session)).terms.length;
  return differences({ fate, leases, held }, { fate: 'answered', leases: 0, held: 1 });
};

const twoPurges: Scenario = async (stage) => {
  const store = await stage.store('store');
  const before = await deleted(store, 3);
  for (const name of ['b', 'a']) {
    await store.createTopic({ name, partitionCount: 2, retentionMs: null, config: {} });
    await store.deleteTopic(name);
  }
  const first = await stage.begin('first');
  const one = await first.store.purge(everything);
  const second = store.purge(everything);
  const fate = await stage.fate('store', second);
  await first.commit();
  const two = await second;
  const rows = await stage.number("select count(*) from leases where kind = 'partition'");
  const topics = await stage.number('select count(*) from topics');
  await createOrders(store, 1);
  return differences(
    { fate, one: one.leases, two: two.leases, rows, topics, ...(await next(store, before)) },
    { fate: 'waits', one: 7, two: 0, rows: 0, topics: 0, granted: 'granted', isAbove: true },
  );
};

/** The connection dies when the floor has risen and the leases are about to go. */
const crash: Scenario = async (stage) => {
  const store = await stage.store('store');
  const purging = await stage.store('purging');
  const before = await deleted(store);
  const name = stage.applicationName('purging');
  const key = `hashtextextended('${stage.schema}', 0)`;
  await stage.query(`
    create function wait_before_delete() returns trigger language plpgsql as $$
    begin
      perform pg_advisory_xact_lock_shared(${key});
      return old;
    end $$;
    create trigger wait_before_delete before delete on leases for each row execute function wait_before_delete();
    select pg_advisory_lock(${key})`);
  const purge = purging.purge(everything).then(
    () => 'answered',
    (error: unknown) => (error instanceof StoreUnavailable ? 'unavailable' : error),
  );
  await stage.waits('purging', purge);
  const end = 'select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1';
  await stage.query(end, [name]);
  const answer = await purge;
  await stage.query(`select pg_advisory_unlock(${key})`);
  const floors = await stage.number('select count(*) from epoch_floors');
  const rows = await stage.number('select count(*) from leases');
  const topics = await stage.number('select count(*) from topics');
  const again = (await purging.purge(everything)).leases;
  await createOrders(store, 1);
  return differences(
    { answer, floors, rows, topics, again, ...(await next(store, before)) },
    { answer: 'unavailable', floors: 0, rows: 1, topics: 0, again: 1, granted: 'granted', isAbove: true },
  );
};

rule('a topic created under a purged name goes on above its epochs', purgeThenCreate, [
  { mutant: startsAnew, shows: /isAbove: false/ },
  { mutant: keepsNoFloor, shows: /isAbove: false/ },
]);
rule('a creation waits for the purge of its name, and starts at its floor', createDuringPurge, [
  { mutant: reservesNothing, shows: /isAbove: false/ },
]);
rule('a purge waits for the creation of a name, and leaves its leases alone', purgeDuringCreate, [
  { mutant: reservesNothing, shows: /fate: 'answered'[^]*granted: 'unknown'/ },
]);
rule('a purge behind a creation that failed goes on', purgeDuringFailedCreate);
rule('a purge does not see a deletion that is not committed', purgeDuringDelete);
rule('what a live session holds is not purged', heldAllTheSame, [
  { mutant: deletesWhatIsHeld, shows: /leases: 1[^]*held: 0/ },
]);
rule('a purge passes by a release in flight, and comes back', purgeDuringRelease, [
  { mutant: waitsForWhatIsHeld, shows: /fate: 'waits'/ },
]);
rule('a purge passes by a lease that is being acquired', purgeDuringAcquire, [
  { mutant: trustsItsSnapshot, shows: /held: 0/ },
  { mutant: waitsForLeases, shows: /fate: 'waits'/ },
]);
rule('of two purges the second finds nothing left', twoPurges);
rule('a purge that dies halfway changed nothing, and is done again', crash);
