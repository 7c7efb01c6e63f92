// Mutants of PostgreSQL's statements: each is run against its rule, with real races, by the tests of test/store/postgres themselves.
// Named here so that the list is whole; that they are there is asked of vitest.
import type { StatementMutant } from '../mutant.ts';

function inFile(file: string, rules: Readonly<Record<string, readonly string[]>>): StatementMutant[] {
  return Object.entries(rules).flatMap(([rule, names]) =>
    names.map((name) => ({ name, rule, file: `test/store/postgres/${file}.test.ts` })),
  );
}

export const statementMutants: readonly StatementMutant[] = [
  ...inFile('acquire', {
    'Acquire: the epoch that was judged is compared after the lock': [
      'locks without comparing the epoch',
      'judges the locked row by its session instead of its epoch',
      'waits for the row and judges it by its session',
    ],
    'Acquire: free names no session, or one that has ended': ['takes leases whoever holds them'],
    'Epochs: every grant is higher than all before it': ['grants under the epoch before'],
    'Acquire: losers lock and change no row': ['raises the holdings version of losers too'],
  }),
  ...inFile('takeover', {
    'Acquire: SKIP LOCKED': ['waits for locked leases instead of skipping them'],
    'The fence: the lease’s row is held until the commit': ['appends without holding the lease'],
    'Acquire: where the log ends is read by a later statement': [
      'reads the high watermark in the statement that grants',
    ],
  }),
  ...inFile('lock-order', {
    'Acquire: ORDER BY key': ['waits for leases, in another order'],
    'Release: in key order': ['locks what it releases in another order'],
    'Session end: in key order': ['locks what an ending session holds in another order'],
    'Lock order: lease before session': ['raises the holdings version before all leases are locked'],
  }),
  ...inFile('append', {
    'The fence: epoch and session match and the session lives': [
      'writes without asking the fence',
      'compares the session and not the epoch',
      'asks only whether the session lives',
    ],
    'The fence: compare and set high_watermark = baseOffset': [
      'appends without comparing the high watermark',
      'reads the segments for where the log ends',
    ],
  }),
  ...inFile('joined-writes', {
    'The fence: appends that go together have each its own': [
      'compares the session and not each epoch',
      'compares the epoch and not each session',
      'lets a session that has ended write',
      'compares no offset',
      'appends together whatever the history',
    ],
    'The fence: appends that go together hold their leases': ['appends without holding the leases'],
    'The fence: appends that go together wait for no lock': [
      'waits for leases that are locked',
      'waits for partitions that are locked',
    ],
  }),
  ...inFile('lost-reply', {
    'The fence: idempotency comes before it': ['does not look for stored ids before it refuses'],
  }),
  ...inFile('reap-against-heartbeat', {
    'Reaped is dead: compare-and-set of the beat that was seen': ['reaps without comparing the beat'],
    'Reaped is dead: by the database’s clock as well': ['reaps without asking the clock'],
    'Reaped is dead: also where the clock jumped back': ['reaps by a passed expiry alone'],
    'Reaped is dead: ended is for ever': ['beats for an ended session'],
  }),
  ...inFile('reap-crashed', {
    'Crashed before its TTL: nobody holds the lock': ['reaps although the lock is held'],
    'Crashed before its TTL: compared with the key': ['reaps without comparing the key'],
    'Crashed before its TTL: compared with the beat': ['reaps without comparing the beat'],
    'Crashed before its TTL: the row never names a lock that was let go of': [
      'names the lock of whichever heartbeat came last',
    ],
  }),
  ...inFile('release-and-delete', {
    'Release: names session and epoch': ['releases whatever term the session holds'],
    'Deletion: raises each epoch': ['deletes a topic and keeps its epochs'],
    'Deletion: locks its leases in key order': ['deletes a topic without locking its leases first'],
    'The fence: the lease’s row is held until the commit': ['appends without holding the lease'],
  }),
  ...inFile('purge', {
    'Purge: a name that is purged is not being created': [
      'purges a name without keeping others from creating it',
    ],
    'Purge: a row is made at the floor': ['has lost the trigger leases_start_at_the_floor'],
    'Purge: a row goes only in a transaction that leaves a floor at or above its epoch': [
      'deletes leases and leaves a floor below their epochs',
    ],
    'Purge: only what is free goes': [
      'purges whoever holds it',
      'purges whoever holds it, and waits for it',
      'deletes leases as they were judged, whatever came meanwhile',
      'waits for the leases that it purges',
    ],
  }),
  ...inFile('steering', {
    'Operators ask: a request is for one term': [
      'asks without holding the lease',
      'takes a request for an earlier term for its own',
    ],
    'Assignment: a plan does not undo what it did not know of': [
      'writes a plan without looking at what it changes',
      'writes a first assignment over one that is there',
      'moves for balance what an operator has put somewhere',
    ],
  }),
  ...inFile('epoch-guard', {
    'Release: a trigger refuses an update that lowers an epoch or gives a lease away without raising it': [
      'has lost the trigger leases_epoch_only_grows',
    ],
    'Purge: floors never fall, nor go; a trigger refuses a deletion without one': [
      'has lost the trigger leases_are_deleted_under_a_floor',
    ],
    'Release: a trigger refuses every truncate': ['has lost the trigger leases_are_never_truncated'],
  }),
  ...inFile('era', {
    'Eras: on another history nothing is granted': ['grants whatever the history'],
    'Eras: on another history nothing is written under a lease': ['appends whatever the history'],
    'Eras: on another history nothing lets an agent believe': [
      'looks whatever the history',
      'reads them whatever the history',
      'beats whatever the history',
      'forgets to look there',
    ],
    'Eras: of many that see it at once, one opens it': ['opens eras beside each other'],
    'Quarantine: granted to nobody': ['knows no quarantine'],
  }),
  ...inFile('heartbeat-cost', {
    'Sessions: one heartbeat carries all leases': ['renews each lease with the heartbeat'],
    'Sessions: no index covers what beats': [
      'has an index on a column that beats',
      'has an index whose predicate reads a column that beats',
    ],
  }),
];
