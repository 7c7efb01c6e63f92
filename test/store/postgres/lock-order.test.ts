// DESIGN 3, lock order (lease before session, leases in key order): statements over sets of leases never wait for each
// other in a circle. A circle is forced by stopping one statement halfway through its leases.
import type { MetadataStore } from '../../../src/store/metadata-store.ts';
import { append, createOrders, join, lead, type Leader, orders, outcomes, segment, topic } from './cast.ts';
import type { Mutant } from './mutants.ts';
import { differences, rule, type Scenario } from './rule.ts';

const backwards = 'order by l.kind desc, l.name desc, l.partition desc';

const acquiresBackwards: Mutant = {
  name: 'waits for leases, in another order',
  edits: [
    { statement: 'acquire_leases', find: /order by l\.kind, l\.name, l\.partition/, replace: backwards },
    { statement: 'acquire_leases', find: /skip locked/, replace: '' },
  ],
};
const releasesBackwards: Mutant = {
  name: 'locks what it releases in another order',
  edits: [
    { statement: 'release_leases', find: /order by l\.kind, l\.name, l\.partition/, replace: backwards },
  ],
};
const endsBackwards: Mutant = {
  name: 'locks what an ending session holds in another order',
  edits: [
    {
      statement: 'lock_session_leases',
      find: /l\.partition for update/,
      replace: 'l.partition desc for update',
    },
  ],
};
const deletesBackwards: Mutant = {
  name: "locks a deleted topic's leases in another order",
  edits: [
    { statement: 'lock_topic_leases', find: /order by l\.partition/, replace: 'order by l.partition desc' },
  ],
};
const touchesEarly: Mutant = {
  name: 'raises the holdings version before all leases are locked',
  edits: [
    {
      statement: 'release_leases',
      find: /\(select count\(\*\) from vacated\) > 0/,
      replace: 'exists (select 1 from vacated)',
    },
  ],
};

const overlappingAcquires: Scenario = async (stage) => {
  const other = await stage.store('other');
  await createOrders(other, 2);
  const [one, two] = [await join(other, 'one'), await join(other, 'two')];
  const halfway = await stage.begin('halfway');
  await halfway.store.acquireLeases(one, [orders(0)]);
  const whole = other.acquireLeases(two, [orders(0), orders(1)]);
  const wholeFate = await stage.fate('other', whole);
  const rest = halfway.store.acquireLeases(one, [orders(1)]);
  const restFate = await stage.fate('halfway', rest);
  // PostgreSQL ends a circle after a second by failing one of the two.
  await Promise.allSettled([rest]);
  await halfway.commit();
  await Promise.allSettled([whole]);
  return differences({ wholeFate, restFate }, { wholeFate: 'answered', restFate: 'answered' });
};

/** One transaction appends to partition 0 and then to 1, in key order, while `verb` wants both. */
function behindAppends(verb: (store: MetadataStore, leader: Leader) => Promise<unknown>): Scenario {
  return async (stage) => {
    const other = await stage.store('other');
    await createOrders(other, 2);
    const leader = await lead(other, 'leader', [orders(0), orders(1)]);
    const fence = (partition: number) => ({
      sessionId: leader.sessionId,
      epoch: leader.terms[partition]?.epoch ?? 0,
    });
    const halfway = await stage.begin('halfway');
    await append(halfway.store, fence(0), [segment(0, 9)], 0);
    const whole = verb(other, leader);
    await stage.waits('other', whole);
    const rest = append(halfway.store, fence(1), [segment(0, 9)], 1);
    const restFate = await stage.fate('halfway', rest);
    await Promise.allSettled([rest]);
    await halfway.commit();
    await Promise.allSettled([whole]);
    return differences({ restFate }, { restFate: 'answered' });
  };
}

/** Partition 0 is vacated already when the release comes to wait for partition 1. */
const heartbeatDuringRelease: Scenario = async (stage) => {
  const releasing = await stage.store('releasing');
  const beating = await stage.store('beating');
  await createOrders(releasing, 2);
  const { sessionId, terms } = await lead(releasing, 'leader', [orders(0), orders(1)]);
  const appending = await stage.begin('appending');
  await append(appending.store, { sessionId, epoch: terms[1]?.epoch ?? 0 }, [segment(0, 9)], 1);
  const release = releasing.releaseLeases(sessionId, terms, 'released');
  await stage.waits('releasing', release);
  const heartbeat = beating.heartbeat(sessionId);
  const heartbeatFate = await stage.fate('beating', heartbeat);
  await appending.commit();
  return differences(
    { heartbeatFate, heartbeat: (await heartbeat).outcome, release: outcomes(await release) },
    { heartbeatFate: 'answered', heartbeat: 'renewed', release: ['released', 'released'] },
  );
};

rule('an acquire waits for no lease, so that no circle closes', overlappingAcquires, [
  { mutant: acquiresBackwards, shows: /wholeFate: 'waits'[^]*restFate: 'waits'/ },
]);
rule(
  'a release locks its leases in key order',
  behindAppends((store, { sessionId, terms }) =>
    store.releaseLeases(sessionId, terms.toReversed(), 'released'),
  ),
  [{ mutant: releasesBackwards, shows: /restFate: 'waits'/ }],
);
rule(
  'the end of a session locks its leases in key order',
  behindAppends((store, { sessionId }) => store.endSession(sessionId, 'deregistered')),
  [{ mutant: endsBackwards, shows: /restFate: 'waits'/ }],
);
rule(
  "a topic's deletion locks its leases in key order",
  behindAppends((store) => store.deleteTopic(topic)),
  [{ mutant: deletesBackwards, shows: /restFate: 'waits'/ }],
);
rule('a heartbeat does not wait for a release that waits for an append', heartbeatDuringRelease, [
  { mutant: touchesEarly, shows: /heartbeatFate: 'waits'/ },
]);
