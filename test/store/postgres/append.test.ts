// DESIGN 3.6: a write is fenced where it happens, and contiguity is a compare-and-set on the partition's one row.
import type { MetadataStore } from '../../../src/store/metadata-store.ts';
import type { Fence } from '../../../src/store/segments.ts';
import {
  append,
  createOrders,
  highWatermark,
  lead,
  orders,
  refusal,
  segment,
  take,
  topic,
  verdict,
} from './cast.ts';
import type { Mutant } from './mutants.ts';
import { differences, rule, type Scenario } from './rule.ts';
import type { Stage } from './stage.ts';

type Write = 'append_segments' | 'advance_high_watermark';

const asksNoFence = (statement: Write): Mutant => ({
  name: 'writes without asking the fence',
  edits: [{ statement, find: /exists \(select 1 from fence\)/, replace: 'true' }],
});

const comparesNoEpoch = (statement: Write): Mutant => ({
  name: 'compares the session and not the epoch',
  edits: [{ statement, find: /\bl\.epoch = (\$\d+::bigint)/, replace: '$1 is not null' }],
});

/** The trap of 3.3 again: after the wait, the session is looked up in the old snapshot, where it lives. */
const asksForLifeAlone = (statement: Write): Mutant => ({
  name: 'asks only whether the session lives',
  edits: [
    ...comparesNoEpoch(statement).edits,
    { statement, find: /\bl\.session_id = (\$\d+::uuid)/, replace: '$1 is not null' },
  ],
});

const comparesNoOffset: Mutant = {
  name: 'appends without comparing the high watermark',
  edits: [
    {
      statement: 'append_segments',
      find: /\bp\.high_watermark = (\$\d+::bigint)/,
      replace: '$1 is not null',
    },
  ],
};

const readsSegments: Mutant = {
  name: 'reads the segments for where the log ends',
  edits: [
    {
      statement: 'append_segments',
      find: /\bp\.high_watermark = (\$\d+::bigint)/,
      replace: `$1 = coalesce((select max(e.end_offset) + 1 from {schema}.segments e
        where e.topic_id = p.topic_id and e.partition = p.partition), 0)`,
    },
  ],
};

/** `first` is in flight when `second` is asked; it ends when the second waits for it. */
function twoInFlight(
  second: readonly [base: number, end: number],
  end: 'commit' | 'rollback',
  wanted: { second: string; overlaps: number; highWatermark: number },
  prepare: (stage: Stage) => Promise<unknown> = async () => undefined,
): Scenario {
  return async (stage) => {
    const store = await stage.store('store');
    await prepare(stage);
    await createOrders(store, 1);
    const { fence } = await lead(store, 'leader', [orders(0)]);
    const first = await stage.begin('first');
    await append(first.store, fence, [segment(0, 9, 'first')]);
    const asked = append(store, fence, [segment(...second, 'second')]);
    await stage.waits('store', asked);
    await first[end]();
    return differences(
      {
        second: await verdict(asked),
        overlaps: await overlaps(stage),
        highWatermark: await highWatermark(store),
      },
      wanted,
    );
  };
}

async function overlaps(stage: Stage): Promise<number> {
  return stage.number(`select count(*) from segments a join segments b using (topic_id, partition)
    where a.segment_id < b.segment_id and a.base_offset <= b.end_offset and b.base_offset <= a.end_offset`);
}

const eightAtOnce: Scenario = async (stage) => {
  const store = await stage.store('store', { poolMax: 8 });
  await createOrders(store, 1);
  const { fence } = await lead(store, 'leader', [orders(0)]);
  const asked = Array.from({ length: 8 }, (_, i) => append(store, fence, [segment(0, 9 + i, `s${i}`)]));
  const verdicts = await Promise.all(asked.map(verdict));
  return differences(
    {
      appended: verdicts.filter((each) => each === 'appended').length,
      refused: verdicts.filter((each) => each === 'offset_overlap').length,
      stored: await stage.number('select count(*) from segments'),
    },
    { appended: 1, refused: 7, stored: 1 },
  );
};

/** Writes up to offset 10. */
async function writeTen(write: Write, store: MetadataStore, fence: Fence): Promise<{ outcome: string }> {
  if (write === 'append_segments') return append(store, fence, [segment(0, 9)]);
  await store.advanceHighWatermark(fence, topic, 0, 10);
  return { outcome: 'advanced' };
}

/** The reap and the takeover are uncommitted when the write meets the lease: in its snapshot its session lives and leads. */
function behindTakeover(write: Write, more: object): Scenario {
  return async (stage) => {
    const old = await stage.store('old');
    await createOrders(old, 1);
    const leader = await lead(old, 'old', [orders(0)]);
    await stage.query(`update sessions set expires_at = clock_timestamp() - interval '1 second'`);
    const takeover = await stage.begin('takeover');
    await takeover.store.reapSession(leader.sessionId, 1);
    const successor = await lead(takeover.store, 'successor', [orders(0)]);
    const written = writeTen(write, old, leader.fence);
    const fate = await stage.fate('old', written);
    await takeover.commit();
    return differences(
      { fate, written: await refusal(written), highWatermark: await highWatermark(old) },
      {
        fate: 'waits',
        written: {
          code: 'fenced',
          givenEpoch: leader.fence.epoch,
          currentEpoch: successor.fence.epoch,
          holder: 'successor',
          ...more,
        },
        highWatermark: 0,
      },
    );
  };
}

/** The session is the holder again, under a later epoch: what it sent under the earlier one comes too late. */
function earlierTerm(write: Write): Scenario {
  return async (stage) => {
    const store = await stage.store('store');
    await createOrders(store, 1);
    const leader = await lead(store, 'leader', [orders(0)]);
    await store.releaseLeases(leader.sessionId, leader.terms, 'released');
    const again = await take(store, leader.sessionId, [orders(0)]);
    return differences(
      {
        early: await verdict(writeTen(write, store, leader.fence)),
        now: await verdict(writeTen(write, store, again.fence)),
      },
      { early: 'fenced', now: write === 'append_segments' ? 'appended' : 'advanced' },
    );
  };
}

const overlapRefused = { second: 'offset_overlap', overlaps: 0, highWatermark: 10 };

rule(
  'of two appends in flight for the same offsets one is stored',
  twoInFlight([0, 14], 'commit', overlapRefused),
);
rule(
  'an append in flight for offsets that another takes is refused',
  twoInFlight([5, 14], 'commit', overlapRefused),
  [{ mutant: comparesNoOffset, shows: /second: 'appended'.*\noverlaps: 1/ }],
);
rule(
  'not even the key of the segments is needed to keep two appends apart',
  twoInFlight([0, 14], 'commit', overlapRefused, (stage) =>
    stage.query('alter table segments drop constraint segments_pkey'),
  ),
  [{ mutant: readsSegments, shows: /second: 'appended'.*\noverlaps: 1/ }],
);
rule(
  'an append that waited behind one that was rolled back is stored',
  twoInFlight([0, 14], 'rollback', { second: 'appended', overlaps: 0, highWatermark: 15 }),
);
rule('of eight appends at once for the same offsets one is stored', eightAtOnce);
rule(
  'an append that waited behind a takeover is fenced with the new epoch',
  behindTakeover('append_segments', { committed: false }),
  [
    { mutant: asksNoFence('append_segments'), shows: /written: 'appended'/ },
    { mutant: asksForLifeAlone('append_segments'), shows: /written: 'appended'/ },
  ],
);
rule(
  'an advance that waited behind a takeover is fenced with the new epoch',
  behindTakeover('advance_high_watermark', {}),
  [
    { mutant: asksNoFence('advance_high_watermark'), shows: /written: 'advanced'/ },
    { mutant: asksForLifeAlone('advance_high_watermark'), shows: /written: 'advanced'/ },
  ],
);
rule('an append under an earlier term of the same session is fenced', earlierTerm('append_segments'), [
  { mutant: comparesNoEpoch('append_segments'), shows: /early: 'appended'/ },
]);
rule(
  'an advance under an earlier term of the same session is fenced',
  earlierTerm('advance_high_watermark'),
  [{ mutant: comparesNoEpoch('advance_high_watermark'), shows: /early: 'advanced'/ }],
);
