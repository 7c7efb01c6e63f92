// What an operator asks for meets what agents do at the same moment: requests name a term and no other, and neither a plan
// nor a move undoes what it did not know of.
import type { Move } from '../../../src/domain/planner.ts';
import { COORDINATOR } from '../../../src/domain/lease.ts';
import type { MetadataStore } from '../../../src/store/metadata-store.ts';
import { bury, createOrders, join, lead, orders, outcomes, refusal, take, topic } from './cast.ts';
import type { Mutant } from './mutants.ts';
import { differences, rule, type Scenario } from './rule.ts';

const asksWithoutLock: Mutant = {
  name: 'asks without holding the lease',
  edits: [{ statement: 'lock_lease', find: /for no key update of "l"/, replace: '' }],
};

const believesOldRequests: Mutant = {
  name: 'takes a request for an earlier term for its own',
  edits: [
    {
      statement: 'select_held_leases',
      find: /l\.release_requested_epoch is not distinct from l\.epoch/,
      replace: 'l.release_requested_epoch is not null',
    },
  ],
};

const plansBlindly: Mutant = {
  name: 'writes a plan without looking at what it changes',
  edits: [
    {
      statement: 'change_assignments',
      find: /and n\.agent_id is not distinct from m\.from_agent/,
      replace: '',
    },
  ],
};

const unpins: Mutant = {
  name: 'moves for balance what an operator has put somewhere',
  edits: [{ statement: 'change_assignments', find: /n\.reason = 'operator'/, replace: 'false' }],
};

const forgetsPins: Mutant = {
  name: 'believes its clock for the moment of a pin',
  edits: [
    {
      statement: 'assign_by_operator',
      find: /greatest\(clock_timestamp\(\), coalesce\(/,
      replace: 'least(clock_timestamp(), coalesce(',
    },
  ],
};

const clearsAnyRequest: Mutant = {
  name: 'takes a request to apply for carried out, whichever it is',
  edits: [{ statement: 'note_applied', find: /(::float8) = (\$\d+::bigint)/, replace: '$1 >= $2' }],
};

const overwrites: Mutant = {
  name: 'writes a first assignment over one that is there',
  edits: [
    {
      statement: 'insert_assignments',
      find: /on conflict do nothing/,
      replace:
        'on conflict (topic_id, partition) do update set agent_id = excluded.agent_id, reason = excluded.reason',
    },
  ],
};

/** The old holder gives up and another takes over, not yet committed, when the operator asks the old one. */
function askDuringTakeover(end: 'commit' | 'rollback', answer: unknown, asked: boolean): Scenario {
  return async (stage) => {
    const store = await stage.store('store');
    await createOrders(store, 1);
    const old = await lead(store, 'old', [orders(0)]);
    const successor = await join(store, 'successor');
    const taking = await stage.begin('taking');
    await taking.store.releaseLeases(old.sessionId, old.terms, 'released');
    await take(taking.store, successor, [orders(0)]);
    const asking = store.requestRelease(orders(0), old.fence.epoch);
    const fate = await stage.fate('store', asking);
    await taking[end]();
    const seen = await refusal(asking);
    const holder = end === 'commit' ? successor : old.sessionId;
    const [term] = (await store.heldLeases(holder)).terms;
    return differences(
      { fate, seen, asked: term?.releaseRequested },
      {
        fate: 'waits',
        seen:
          answer === 'fenced'
            ? { code: 'fenced', givenEpoch: old.fence.epoch, currentEpoch: old.fence.epoch + 1 }
            : answer,
        asked,
      },
    );
  };
}

/** The operator has asked, not yet committed, when the holder's session is reaped and another takes over. */
const takeoverDuringAsk: Scenario = async (stage) => {
  const store = await stage.store('store');
  await createOrders(store, 1);
  const old = await lead(store, 'old', [orders(0)]);
  const successor = await join(store, 'successor');
  const asking = await stage.begin('asking');
  const asked = (await asking.store.requestRelease(orders(0), null)).outcome;
  // The request holds the session's row: the reap comes behind it.
  const reaping = bury(stage, store, old.sessionId);
  await asking.commit();
  await reaping;
  const taken = outcomes(await store.acquireLeases(successor, [orders(0)]));
  const [term] = (await store.heldLeases(successor)).terms;
  return differences(
    { asked, taken, releaseRequested: term?.releaseRequested },
    { asked: 'asked', taken: ['granted'], releaseRequested: false },
  );
};

/** Asked for in an open transaction, a lease is skipped by an acquire as any locked one. */
const acquireDuringAsk: Scenario = async (stage) => {
  const store = await stage.store('store');
  await createOrders(store, 1);
  const old = await lead(store, 'old', [orders(0)]);
  await bury(stage, store, old.sessionId);
  const asking = await stage.begin('asking');
  const asked = (await asking.store.requestRelease(orders(0), null)).outcome;
  const during = outcomes(await store.acquireLeases(await join(store, 'successor'), [orders(0)]));
  await asking.commit();
  return differences({ asked, during }, { asked: 'vacant', during: ['busy'] });
};

const moveBy = (reason: Move['reason'], from: string | null, to: string | null): Move => ({
  topic,
  partition: 0,
  from,
  to,
  reason,
});

/** `orders/0` is led by `a` and assigned to it, unless nobody has planned yet; `a` coordinates. */
async function planned(store: MetadataStore, first: readonly Move[]) {
  await createOrders(store, 1);
  const a = await lead(store, 'a', [COORDINATOR]);
  await take(store, a.sessionId, [orders(0)]);
  for (const agentId of ['b', 'c']) await join(store, agentId);
  await store.writeAssignment(a.fence, first);
  return a.fence;
}

async function target(store: MetadataStore): Promise<string | null | undefined> {
  return (await store.readTargets([{ topic, partition: 0 }]))[0]?.agentId;
}

/** The operator's move is in flight when a plan that does not know of it wants to write. */
function planDuringMove(first: readonly Move[], to: string, late: Move): Scenario {
  return async (stage) => {
    const store = await stage.store('store');
    const fence = await planned(store, first);
    const moving = await stage.begin('moving');
    await moving.store.assign(topic, 0, to, null);
    const writing = store.writeAssignment(fence, [late]);
    await stage.waits('store', writing);
    await moving.commit();
    const { outcome } = await writing;
    return differences({ outcome, target: await target(store) }, { outcome: 'written', target: to });
  };
}

/** The plan is in flight when the operator moves: who comes last has seen what was before. */
const moveDuringPlan: Scenario = async (stage) => {
  const store = await stage.store('store');
  const fence = await planned(store, [moveBy('new_partition', null, 'a')]);
  const planning = await stage.begin('planning');
  await planning.store.writeAssignment(fence, [moveBy('balance', 'a', 'b')]);
  const moving = store.assign(topic, 0, 'c', null);
  const fate = await stage.fate('store', moving);
  await planning.commit();
  const { to } = await moving;
  const [partition] = (await store.readPlanningInput()).partitions;
  return differences(
    { fate, to, target: await target(store), pinned: partition?.pinned },
    { fate: 'waits', to: 'c', target: 'c', pinned: true },
  );
};

/** The lease changes hands, not yet committed, when the operator moves it away from its old holder. */
const moveDuringTakeover: Scenario = async (stage) => {
  const store = await stage.store('store');
  await createOrders(store, 1);
  const old = await lead(store, 'old', [orders(0)]);
  const successor = await join(store, 'successor');
  const taking = await stage.begin('taking');
  await taking.store.releaseLeases(old.sessionId, old.terms, 'released');
  await take(taking.store, successor, [orders(0)]);
  const moving = store.assign(topic, 0, 'successor', old.fence.epoch).then(() => ({ outcome: 'moved' }));
  const fate = await stage.fate('store', moving);
  await taking.commit();
  const { epoch } = old.fence;
  return differences(
    { fate, seen: await refusal(moving), target: await target(store) },
    { fate: 'waits', seen: { code: 'fenced', givenEpoch: epoch, currentEpoch: epoch + 1 }, target: null },
  );
};

/** The topic goes, not yet committed, when the operator moves its partition. */
const moveDuringDelete: Scenario = async (stage) => {
  const store = await stage.store('store');
  await planned(store, []);
  const deleting = await stage.begin('deleting');
  await deleting.store.deleteTopic(topic);
  const moving = store.assign(topic, 0, 'b', null).then(() => ({ outcome: 'moved' }));
  const fate = await stage.fate('store', moving);
  await deleting.commit();
  const seen = await refusal(moving);
  return differences({ fate, seen }, { fate: 'waits', seen: { code: 'not_found' } });
};

/** The second request is in flight when the coordinator has carried out the first. */
const applyDuringRequest: Scenario = async (stage) => {
  const store = await stage.store('store');
  const fence = await planned(store, []);
  const { applyRequestedAt: applied } = await store.requestApply();
  const asking = await stage.begin('asking');
  const later = await asking.store.requestApply();
  const writing = store.writeAssignment(fence, [], { applied });
  const fate = await stage.fate('store', writing);
  await asking.commit();
  await writing;
  const pending = (await store.readRebalance()).applyRequestedAt;
  return differences({ fate, pending }, { fate: 'waits', pending: later.applyRequestedAt });
};

/** Requests and pins never look as if they came the other way round, not even where the database's clock was set back. */
const pinsAndRequests: Scenario = async (stage) => {
  const store = await stage.store('store');
  await planned(store, [moveBy('new_partition', null, 'a')]);
  const seen: unknown[] = [];
  const look = async () => seen.push((await store.readPlanningInput()).partitions[0]?.pinned);
  for (const to of ['b', 'c']) {
    await store.assign(topic, 0, to, null);
    await look();
    await store.requestApply();
    await stage.query(
      `update agent_groups set apply_requested_at = apply_requested_at + interval '1 minute'`,
    );
    await look();
  }
  await store.assign(topic, 0, 'c', null);
  await look();
  return differences({ seen }, { seen: [true, false, true, false, true] });
};

rule(
  'a request waits for the takeover in flight and does not mean who came',
  askDuringTakeover('commit', 'fenced', false),
  [{ mutant: asksWithoutLock, shows: /fate: 'answered'|asked: true/ }],
);
rule(
  'a request behind a takeover that was rolled back is for the holder',
  askDuringTakeover('rollback', 'asked', true),
);
rule('a request for a term that was taken over meanwhile is void', takeoverDuringAsk, [
  { mutant: believesOldRequests, shows: /releaseRequested: true/ },
]);
rule('an acquire does not wait for a request', acquireDuringAsk);

rule(
  "a plan that was made before an operator's move does not undo it",
  planDuringMove([moveBy('new_partition', null, 'a')], 'c', moveBy('drain', 'a', 'b')),
  [{ mutant: plansBlindly, shows: /target: 'b', not 'c'/ }],
);
rule(
  'a plan for balance that was made before an operator put a partition where it is leaves it there',
  planDuringMove([moveBy('new_partition', null, 'a')], 'a', moveBy('balance', 'a', 'b')),
  [{ mutant: unpins, shows: /target: 'b', not 'a'/ }],
);
rule(
  'a first plan for a partition does not undo the move that came before it',
  planDuringMove([], 'c', moveBy('new_partition', null, 'b')),
  [{ mutant: overwrites, shows: /target: 'b', not 'c'/ }],
);
rule('a move waits for the plan in flight and comes after it', moveDuringPlan);
rule('a move of a term that is over changes nothing', moveDuringTakeover, [
  { mutant: asksWithoutLock, shows: /fate: 'answered'/ },
]);
rule('a move of a partition whose topic goes meanwhile is refused', moveDuringDelete);
rule('a request to apply that came meanwhile is not taken for carried out', applyDuringRequest, [
  { mutant: clearsAnyRequest, shows: /pending: null/ },
]);
rule('a request to apply frees the pins that came before it, and no other', pinsAndRequests, [
  { mutant: forgetsPins, shows: /seen: \[ true, false, false/ },
]);
