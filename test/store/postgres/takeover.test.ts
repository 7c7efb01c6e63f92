// DESIGN 3.3 and 3.6: what a takeover meets on its way: writes still in flight under the term that it ends.
import {
  allOrders,
  append,
  bury,
  createOrders,
  highWatermark,
  join,
  lead,
  orders,
  outcomes,
  segment,
} from './cast.ts';
import { Gate } from './gate.ts';
import type { Mutant } from './mutants.ts';
import { differences, rule, type Scenario } from './rule.ts';

const waitsForLocks: Mutant = {
  name: 'waits for locked leases instead of skipping them',
  edits: [{ statement: 'acquire_leases', find: /skip locked/, replace: '' }],
};

const appendsWithoutLock: Mutant = {
  name: 'appends without holding the lease',
  edits: [{ statement: 'append_segments', find: /for no key update of l/, replace: '' }],
};

/** Remembers the high watermark of the acquire's own snapshot, and answers with that. */
const readsInSameStatement: Mutant = {
  name: 'reads the high watermark in the statement that grants',
  edits: [
    {
      statement: 'acquire_leases',
      find: /select g\.kind,/,
      replace: `select (select p.high_watermark from {schema}.topics t
        join {schema}.partitions p on p.topic_id = t.topic_id
        where t.name = g.name and p.partition = g.partition) as high_watermark, g.kind,`,
    },
  ],
  rows() {
    const seen = new Map<unknown, unknown>();
    return (statement, row) => {
      if (statement === 'acquire_leases') seen.set(row['partition'], row['high_watermark']);
      if (statement !== 'select_lease_states') return row;
      return { ...row, high_watermark: seen.get(row['partition']) };
    };
  },
};

const count = 1_000;
const held = 500;

const thousandLeases: Scenario = async (stage) => {
  const store = await stage.store('store');
  await createOrders(store, count);
  const dead = await lead(store, 'dead', allOrders(count));
  const epoch = dead.terms.find(({ key }) => key.kind === 'partition' && key.partition === held)?.epoch ?? 0;
  const appending = await stage.begin('appending');
  await append(appending.store, { sessionId: dead.sessionId, epoch }, [segment(0, 9)], held);
  await bury(stage, store, dead.sessionId);
  const successor = await join(store, 'successor');
  const takeover = store.acquireLeases(successor, allOrders(count));
  const fate = await stage.fate('store', takeover);
  await appending.commit();
  const first = outcomes(await takeover);
  return differences(
    {
      fate,
      granted: first.filter((outcome) => outcome === 'granted').length,
      held: first[held],
      again: (await store.acquireLeases(successor, [orders(held)])).outcomes.map((each) => [
        each.outcome,
        'highWatermark' in each && each.highWatermark,
      ]),
    },
    { fate: 'answered', granted: count - 1, held: 'busy', again: [['granted', 10]] },
  );
};

/** The old leader has stored offsets up to 10 and is appending up to 20 when its session is reaped. */
function appendInFlight(end: 'commit' | 'rollback', highWatermarkAfter: number): Scenario {
  return async (stage) => {
    const store = await stage.store('store');
    await createOrders(store, 1);
    const old = await lead(store, 'old', [orders(0)]);
    await append(store, old.fence, [segment(0, 9)]);
    const appending = await stage.begin('appending');
    await append(appending.store, old.fence, [segment(10, 19)]);
    await bury(stage, store, old.sessionId);
    const successor = await join(store, 'successor');
    const during = outcomes(await store.acquireLeases(successor, [orders(0)]));
    await appending[end]();
    const [after] = (await store.acquireLeases(successor, [orders(0)])).outcomes;
    const start = after && 'highWatermark' in after ? after.highWatermark : undefined;
    return differences(
      { during, after: after?.outcome, start, now: await highWatermark(store) },
      { during: ['busy'], after: 'granted', start: highWatermarkAfter, now: highWatermarkAfter },
    );
  };
}

/** The append commits when the acquire has its snapshot and not yet the lease. */
const appendInTheWindow: Scenario = async (stage) => {
  const store = await stage.store('store');
  const late = await stage.store('late');
  await createOrders(store, 1);
  const old = await lead(store, 'old', [orders(0)]);
  const gate = await Gate.shut(stage, 'late');
  const appending = await stage.begin('appending');
  await append(appending.store, old.fence, [segment(0, 9)]);
  await bury(stage, store, old.sessionId);
  const successor = await join(store, 'successor');
  const acquire = late.acquireLeases(successor, [orders(0)]);
  await stage.waits('late', acquire);
  await appending.commit();
  await gate.open();
  const [after] = (await acquire).outcomes;
  const start = after && 'highWatermark' in after ? after.highWatermark : undefined;
  return differences({ after: after?.outcome, start }, { after: 'granted', start: 10 });
};

rule('one open transaction holds up one of a thousand leases', thousandLeases, [
  { mutant: waitsForLocks, shows: /fate: 'waits'/ },
  { mutant: appendsWithoutLock, shows: /held: 'granted'/ },
]);
rule('a takeover skips an append in flight and starts behind it', appendInFlight('commit', 20), [
  { mutant: appendsWithoutLock, shows: /during: \[ 'granted' \]/ },
]);
rule(
  'a takeover starts where it was when the append in flight is rolled back',
  appendInFlight('rollback', 10),
);
rule('a new leader starts behind an append that committed within its acquire', appendInTheWindow, [
  { mutant: readsInSameStatement, shows: /start: 0, not 10/ },
]);
