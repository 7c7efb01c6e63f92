// Writes that go together wait for nobody's lock: what would have to goes apart, and meets its fence there.
import type { MetadataStore } from '../../../src/store/metadata-store.ts';
import {
  allOrders,
  append,
  bury,
  createOrders,
  highWatermark,
  join,
  lead,
  orders,
  refusal,
  segment,
  take,
  verdict,
} from './cast.ts';
import type { Mutant } from './mutants.ts';
import { differences, rule, type Scenario } from './rule.ts';

/** The statement in which appends go together: what waits alone, beside it, in one of its own says nothing of the others. */
const together = 'append_segments_together';

const comparesNoEpoch: Mutant = {
  name: 'compares the session and not each epoch',
  edits: [{ statement: together, find: /\bl\.epoch = w\.epoch/, replace: 'w.epoch is not null' }],
};

const comparesNoSession: Mutant = {
  name: 'compares the epoch and not each session',
  edits: [
    {
      statement: together,
      find: /\bl\.session_id = w\.session_id\b([^]*?)s\.session_id = w\.session_id/,
      replace: 'w.session_id is not null$1s.session_id = l.session_id',
    },
  ],
};

const asksForNoLife: Mutant = {
  name: 'lets a session that has ended write',
  edits: [{ statement: together, find: /and s\.ended_at is null/, replace: '' }],
};

const comparesNoOffset: Mutant = {
  name: 'compares no offset',
  edits: [
    { statement: together, find: /where p\.high_watermark = f\.base/, replace: 'where true' },
    { statement: together, find: /and p\.high_watermark = f\.base/, replace: '' },
  ],
};

const holdsNoLease: Mutant = {
  name: 'appends without holding the leases',
  edits: [{ statement: together, find: /for no key update of l skip locked/, replace: '' }],
};

const waitsForLeases: Mutant = {
  name: 'waits for leases that are locked',
  edits: [{ statement: together, find: /of l skip locked/, replace: 'of l' }],
};

const waitsForPartitions: Mutant = {
  name: 'waits for partitions that are locked',
  edits: [{ statement: together, find: /of p skip locked/, replace: 'of p' }],
};

const blind: Mutant = {
  name: 'appends together whatever the history',
  edits: [
    {
      statement: together,
      find: /coalesce\(cast\(era\.system_identifier as text\) = server\.system_identifier and era\.timeline = server\.timeline, true\)/,
      replace: 'true',
    },
  ],
};

/** Appends of two leaders to partitions 0 to 4: the first is good, each other has one thing wrong. */
const fences: Scenario = async (stage) => {
  const store = await stage.store('store');
  await createOrders(store, 5);
  const { sessionId, terms } = await lead(store, 'leader', allOrders(3));
  const gone = await lead(store, 'gone', [orders(4)]);
  const stranger = await join(store, 'stranger');
  await store.releaseLeases(sessionId, terms.slice(1, 2), 'released');
  const again = await take(store, sessionId, [orders(1)]);
  await store.endSession(gone.sessionId, 'deregistered');
  await stage.query(
    `update leases set session_id = '${gone.sessionId}' , epoch = epoch + 1 where partition = 4`,
  );
  const fence = { sessionId, epoch: terms[0]?.epoch ?? 0 };
  const asked = [
    append(store, fence, [segment(0, 9)], 0),
    append(store, { ...again.fence, epoch: again.fence.epoch - 1 }, [segment(0, 9)], 1),
    append(store, { sessionId: stranger, epoch: terms[2]?.epoch ?? 0 }, [segment(0, 9)], 2),
    append(store, { sessionId: gone.sessionId, epoch: gone.fence.epoch + 1 }, [segment(0, 9)], 4),
  ];
  const verdicts = await Promise.all(asked.map(verdict));
  const [good, stale, foreign, ended] = verdicts;
  return differences(
    { good, stale, foreign, ended },
    { good: 'appended', stale: 'fenced', foreign: 'no_lease', ended: 'session_lost' },
  );
};

const offsets: Scenario = async (stage) => {
  const store = await stage.store('store');
  await createOrders(store, 2);
  const { fence } = await lead(store, 'leader', allOrders(2));
  await append(store, fence, [segment(0, 9)], 0);
  const asked = [append(store, fence, [segment(20, 29)], 0), append(store, fence, [segment(0, 9)], 1)];
  const [gap, good] = await Promise.all(asked.map(verdict));
  return differences({ gap, good }, { gap: 'offset_gap', good: 'appended' });
};

/** One partition's row is locked by somebody; the appends to the others are asked in the same turn. */
function oneLocked(lock: string): Scenario {
  return async (stage) => {
    const store = await stage.store('store');
    await createOrders(store, 10);
    const { fence } = await lead(store, 'leader', allOrders(10));
    await stage.query('begin');
    await stage.query(lock);
    const asked = allOrders(10).map((_, p) => append(store, fence, [segment(0, 9)], p));
    const [first, ...others] = asked;
    const othersFate = await stage.fate('store', Promise.all(others), 1, together);
    const firstFate = first && (await stage.fate('store', first));
    await stage.query('rollback');
    return differences(
      {
        othersFate,
        firstFate,
        verdicts: new Set(await Promise.all(asked.map(verdict))),
        highWatermark: await highWatermark(store),
      },
      { othersFate: 'answered', firstFate: 'waits', verdicts: new Set(['appended']), highWatermark: 10 },
    );
  };
}

/** The takeover of one lease is uncommitted; what its old leader appends there is refused behind it. */
const takenOver: Scenario = async (stage) => {
  const store = await stage.store('store');
  await createOrders(store, 3);
  const { fence, sessionId } = await lead(store, 'leader', allOrders(3));
  const takeover = await stage.begin('takeover');
  await takeover.store.releaseLeases(sessionId, [{ key: orders(0), epoch: fence.epoch }], 'released');
  const successor = await lead(takeover.store, 'successor', [orders(0)]);
  const asked = [0, 1, 2].map((p) => append(store, fence, [segment(0, 9)], p));
  const [first, ...others] = asked;
  const othersFate = await stage.fate('store', Promise.all(others), 1, together);
  const firstFate = first && (await stage.fate('store', first));
  await takeover.commit();
  return differences(
    { othersFate, firstFate, refused: first && (await refusal(first)), end: await highWatermark(store) },
    {
      othersFate: 'answered',
      firstFate: 'waits',
      refused: {
        code: 'fenced',
        givenEpoch: fence.epoch,
        currentEpoch: successor.fence.epoch,
        holder: 'successor',
        committed: false,
      },
      end: 0,
    },
  );
};

/** A takeover finds the joined appends in flight: it is held open behind the statement by a trigger that waits. */
const takeoverMeetsAppends: Scenario = async (stage) => {
  const store = await stage.store('store');
  const other = await stage.store('other');
  await createOrders(store, 2);
  const { fence, sessionId } = await lead(store, 'leader', allOrders(2));
  await stage.query(`
    create function wait_here() returns trigger language plpgsql as $$
    begin perform pg_advisory_xact_lock_shared(hashtextextended('${stage.schema}', 0)); return null; end $$;
    create trigger held after insert on segments for each statement execute function wait_here()`);
  await stage.query(`select pg_advisory_lock(hashtextextended('${stage.schema}', 0))`);
  const asked = [0, 1].map((p) => append(store, fence, [segment(0, 9)], p));
  await stage.waits('store', Promise.all(asked));
  await bury(stage, other, sessionId);
  const successor = await join(other, 'successor');
  const during = (await other.acquireLeases(successor, allOrders(2))).outcomes.map(({ outcome }) => outcome);
  await stage.query(`select pg_advisory_unlock(hashtextextended('${stage.schema}', 0))`);
  await Promise.all(asked.map(verdict));
  const after = (await other.acquireLeases(successor, allOrders(2))).outcomes.map(
    (each) => 'highWatermark' in each && each.highWatermark,
  );
  return differences({ during, after }, { during: ['busy', 'busy'], after: [10, 10] });
};

const anotherHistory: Scenario = async (stage) => {
  const store = await stage.store('store');
  await createOrders(store, 2);
  const { fence } = await lead(store, 'leader', allOrders(2));
  await stage.query('update era set timeline = timeline + 40');
  const verdicts = await Promise.all([0, 1].map((p) => verdict(append(store, fence, [segment(0, 9)], p))));
  return differences(
    { verdicts, stored: await stage.number('select count(*) from segments') },
    { verdicts: ['no_lease', 'no_lease'], stored: 0 },
  );
};

async function commit(store: MetadataStore, partition: number): Promise<{ outcome: string }> {
  await store.commitOffsets('cg', [{ topic: 'orders', partition, offset: 0, metadata: null }]);
  return { outcome: 'committed' };
}

const oneOffsetLocked: Scenario = async (stage) => {
  const store = await stage.store('store');
  await createOrders(store, 10);
  await commit(store, 0);
  await stage.query('begin');
  await stage.query('select from committed_offsets for update');
  const [first, ...others] = allOrders(10).map((_, p) => commit(store, p));
  const othersAnswered = Promise.all(others);
  // It waits together with the others at first, for a moment.
  await othersAnswered;
  const firstFate = first && (await stage.fate('store', first));
  await stage.query('rollback');
  await first;
  return differences(
    { firstFate, stored: await stage.number('select count(*) from committed_offsets') },
    { firstFate: 'waits', stored: 10 },
  );
};

rule('of appends that go together each meets its own fence', fences, [
  { mutant: comparesNoEpoch, shows: /stale: 'appended'/ },
  { mutant: comparesNoSession, shows: /foreign: 'appended'/ },
  { mutant: asksForNoLife, shows: /ended: 'appended'/ },
]);
rule('of appends that go together each meets its own high watermark', offsets, [
  { mutant: comparesNoOffset, shows: /gap: 'appended'/ },
]);
rule(
  'an append that has to wait for a lease does not hold the others',
  oneLocked('select from leases where partition = 0 for update'),
  [{ mutant: waitsForLeases, shows: /othersFate: 'waits'/ }],
);
rule(
  'an append that has to wait for its partition does not hold the others',
  oneLocked('select from partitions where partition = 0 for update'),
  [{ mutant: waitsForPartitions, shows: /othersFate: 'waits'/ }],
);
rule('an append beside others that meets a takeover waits for it alone, and is fenced', takenOver);
rule('a takeover skips appends that go together', takeoverMeetsAppends, [
  { mutant: holdsNoLease, shows: /during: \[ 'granted', 'granted' \]/ },
]);
rule('nothing is appended together on another history', anotherHistory, [
  { mutant: blind, shows: /stored: 2/ },
]);
rule('a commit that has to wait does not hold the others', oneOffsetLocked);
