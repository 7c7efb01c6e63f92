// DESIGN 3.4: that epochs never go back is kept by the database, not by the code alone: here is SQL that no statement of
// ours contains, and what is refused when a person, or a defect, tries it.
import { createOrders, lead, orders } from './cast.ts';
import type { Mutant } from './mutants.ts';
import { differences, rule, type Scenario } from './rule.ts';

const withoutTrigger = (trigger: string): Mutant => ({
  name: `has lost the trigger ${trigger}`,
  edits: [],
  ddl: `drop trigger ${trigger} on leases`,
});

/** All it asks is the database's answer to `text`, on one lease that is held. */
function refused(text: string): Scenario {
  return async (stage) => {
    const store = await stage.store('store');
    await createOrders(store, 1);
    await lead(store, 'leader', [orders(0)]);
    const [answer] = await Promise.allSettled([stage.query(text)]);
    return differences({ answer: answer.status }, { answer: 'rejected' });
  };
}

const grows = withoutTrigger('leases_epoch_only_grows');
const forbidden: readonly (readonly [claim: string, text: string, mutant: Mutant])[] = [
  ['an epoch cannot be lowered', 'update leases set epoch = epoch - 1', grows],
  ['a holder cannot change under one epoch', 'update leases set session_id = gen_random_uuid()', grows],
  ['a lease cannot get another name', `update leases set name = 'others'`, grows],
  [
    'a lease cannot be deleted without a floor that keeps its epoch',
    'delete from leases',
    withoutTrigger('leases_are_deleted_under_a_floor'),
  ],
  ['leases cannot be truncated', 'truncate leases', withoutTrigger('leases_are_never_truncated')],
];

for (const [claim, text, mutant] of forbidden) {
  rule(claim, refused(text), [{ mutant, shows: /answer: 'fulfilled'/ }]);
}
rule('an epoch cannot pass 2^53 - 1', refused('update leases set epoch = 9007199254740992'));
