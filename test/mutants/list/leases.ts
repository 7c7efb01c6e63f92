// Leases, epochs and eras in the store, on SQLite and where both backends share their words; the races of PostgreSQL are statement
// mutants.
import type { SourceMutant } from '../mutant.ts';

const onSqlite = (test: string) => ({ file: 'test/store/contract.test.ts', test: `SQLite ${test}` });
const era = (test: string) => ({ file: 'test/store/new-era.test.ts', test });

const free = 'Acquire: free names no session, or one that has ended';
const grants = 'Epochs: every grant is higher than all before it';
const newEra = 'A new era';

export const leaseMutants: readonly SourceMutant[] = [
  {
    name: 'grants what a live session holds',
    rule: free,
    file: 'src/store/sql/lease-terms.ts',
    find: "select 1 from ${d.table('sessions')} s where s.session_id = l.session_id and s.ended_at is null)",
    replace:
      "select 1 from ${d.table('sessions')} s where s.session_id = l.session_id and s.ended_at is null and 1 = 0)",
    killedBy: onSqlite('acquire what a live session holds is not granted to another, which writes nothing'),
  },
  {
    name: 'judges by time what is free',
    rule: free,
    file: 'src/store/sql/lease-terms.ts',
    find: "select 1 from ${d.table('sessions')} s where s.session_id = l.session_id and s.ended_at is null)",
    replace:
      "select 1 from ${d.table('sessions')} s where s.session_id = l.session_id and s.ended_at is null and s.expires_at > ${d.now})",
    killedBy: onSqlite(
      'reaping a reap leaves the leases to whoever takes them, and nothing else is judged by expiry',
    ),
  },
  {
    name: 'grants to a session that has ended',
    rule: 'Sessions: ended is for ever',
    file: 'src/store/sql/lease-terms.ts',
    find: 'and me.ended_at is null)',
    replace: ')',
    killedBy: onSqlite('acquire a session that is unknown or has ended gets nothing'),
  },
  {
    name: 'grants under the epoch before (SQLite)',
    rule: grants,
    file: 'src/store/sql/lease-terms.ts',
    find: 'sql`${epoch} + 1`',
    replace: 'sql`${epoch}`',
    killedBy: {
      ...onSqlite('acquire every grant is higher than all before, also to the same session'),
      shows: /a check constraint was violated/,
    },
  },
  {
    name: 'grants without regard to the era',
    rule: 'Eras: a grant is at least era · 2³²',
    file: 'src/store/sql/lease-terms.ts',
    find: '* ${sql.raw(String(EPOCHS_PER_ERA))}',
    replace: '* 0',
    killedBy: onSqlite('acquire a new era starts above every epoch of those before it'),
  },
  {
    name: 'computes epochs without regard to the era',
    rule: 'Eras: a grant is at least era · 2³²',
    file: 'src/domain/epoch.ts',
    find: 'Math.max(epoch + 1, era * EPOCHS_PER_ERA)',
    replace: 'epoch + 1',
    killedBy: {
      file: 'test/domain/epoch.test.ts',
      test: 'a new era begins above every epoch of the era before, however many a lost standby granted',
    },
  },
  {
    name: 'lets the database forget that epochs only grow',
    rule: 'Release: a trigger refuses an update that lowers an epoch or gives a lease away without raising it',
    file: 'src/store/sql/migrations.ts',
    find: 'statements: file.sql }',
    replace: "statements: file.sql.filter((each) => !each.includes('TRIGGER leases_epoch_only_grows')) }",
    killedBy: onSqlite(
      'the database itself a vacant lease cannot be given away under the epoch of its last term',
    ),
  },
  {
    name: 'lets the database delete leases',
    rule: 'Purge: a row goes only in a transaction that leaves a floor at or above its epoch',
    file: 'src/store/sql/migrations.ts',
    find: 'statements: file.sql }',
    replace:
      'statements: file.sql.filter((each) => !/TRIGGER leases_are_(never_deleted|deleted_under_a_floor)/.test(each)) }',
    killedBy: onSqlite(
      'the database itself a lease cannot be deleted, and keeps its epoch when one is inserted over it',
    ),
  },
  {
    name: 'lets the database lower a floor',
    rule: 'Purge: floors never fall, nor go',
    file: 'src/store/sql/migrations.ts',
    find: 'statements: file.sql }',
    replace: "statements: file.sql.filter((each) => !each.includes('TRIGGER floors_')) }",
    killedBy: onSqlite('leases of deleted topics the database refuses to lose what a floor keeps'),
  },
  {
    name: 'releases whatever term the session holds (SQLite)',
    rule: 'Release: names session and epoch',
    file: 'src/store/sql/lease-terms.ts',
    find: ' and l.epoch = w.epoch\n      and ${isOwn(d)}',
    replace: '\n      and ${isOwn(d)}',
    killedBy: onSqlite('release an old term cannot release a newer one'),
  },
  {
    name: 'releases what another holds',
    rule: 'Release: names session and epoch',
    file: 'src/store/sql/lease-terms.ts',
    find: 'coalesce(l.session_id = ${session(d)}, false)',
    replace: 'coalesce(l.session_id = ${session(d)}, true) or true',
    killedBy: onSqlite('release nobody releases what another holds'),
  },
  {
    name: 'does not tell a session that its holdings have changed',
    rule: 'Acquire: raises the holdings version, so that a lost reply shows at the next heartbeat',
    file: 'src/store/sql/lease-terms.ts',
    find: 'holdings_version = holdings_version + 1',
    replace: 'holdings_version = holdings_version',
    killedBy: onSqlite('release the holdings version rises exactly when what the session holds has changed'),
  },
  {
    name: 'does not tell the leader of a deleted topic',
    rule: 'Deletion: fences the leader',
    file: 'src/store/sql/topics.ts',
    find: 'set holdings_version = holdings_version + 1',
    replace: 'set holdings_version = holdings_version',
    killedBy: onSqlite('release the holdings version rises exactly when what the session holds has changed'),
  },
  {
    name: 'ends a session and leaves its leases with it',
    rule: 'Session end: releases everything in one transaction',
    file: 'src/store/sql/sessions.ts',
    find: 'await tx.all(vacateSessionLeases, { sessionId });',
    replace: '',
    killedBy: onSqlite('sessions who follows a session that was ended takes nothing over'),
  },
  {
    name: 'vacates the leases of a session that goes on',
    rule: 'Session end: releases everything in one transaction',
    file: 'src/store/sql/sessions.ts',
    find: 'await tx.all(endLiveSession, { sessionId, reason });',
    replace: '',
    killedBy: onSqlite(
      'sessions ending a session frees its name and its leases, keeps the epochs, and may be repeated',
    ),
  },
  {
    name: 'deletes a topic and keeps its epochs (SQLite)',
    rule: 'Deletion: raises each epoch',
    file: 'src/store/sql/topics.ts',
    find: 'acquired_at = null, epoch = epoch + 1',
    replace: 'acquired_at = null',
    killedBy: onSqlite('append a leader whose topic was deleted and created anew is fenced'),
  },
  {
    name: 'purges what a live session holds (SQLite)',
    rule: 'Purge: only what is free goes',
    file: 'src/store/sql/orphaned-leases.ts',
    find: "and not exists (select 1 from ${d.table('sessions')} s where s.session_id = l.session_id and s.ended_at is null)",
    replace: '',
    killedBy: onSqlite(
      'leases of deleted topics roles, topics that there are and what a live session holds stay',
    ),
  },
  {
    name: 'opens an era while grants are in flight',
    rule: `${newEra}: nothing is granted beside it`,
    file: 'src/store/era/new-era.ts',
    find: 'await store.excludeLeaseWrites(tx);',
    replace: '',
    killedBy: era('on PostgreSQL a grant that begins while the era is being opened is above it'),
  },
  {
    name: 'opens an era and lets sessions live on',
    rule: `${newEra}: no session lives on`,
    file: 'src/store/era/turn.ts',
    find: 'await endAllSessions(tx);',
    replace: '',
    killedBy: era(
      'sqlite all that was given out before is refused, and all that is given out after is above',
    ),
  },
  {
    name: 'opens an era below an epoch that somebody has seen',
    rule: `${newEra}: above every epoch that any history has given out`,
    file: 'src/store/era/turn.ts',
    find: 'Math.max(era.number + 1, known + 1, point.timeline ?? 0)',
    replace: 'Math.max(era.number + 1, point.timeline ?? 0)',
    killedBy: era('sqlite an epoch that somebody has seen, and one that only a floor keeps, are below it'),
  },
  {
    name: 'opens an era below the epochs of purged topics',
    rule: `${newEra}: above every epoch that any history has given out`,
    file: 'src/store/era/turn.ts',
    find: "sql`(select coalesce(max(epoch), 0) from ${d.table('epoch_floors')})`",
    replace: 'sql`0`',
    killedBy: era('sqlite an epoch that somebody has seen, and one that only a floor keeps, are below it'),
  },
  {
    name: 'opens an era below the timeline of the server',
    rule: `${newEra}: not below the server’s timeline`,
    file: 'src/store/era/turn.ts',
    find: 'known + 1, point.timeline ?? 0)',
    replace: 'known + 1)',
    killedBy: era('on PostgreSQL the era follows the timeline, and notes whose data it is of'),
  },
  {
    name: 'opens an era over agents that came after the question',
    rule: `${newEra}: takes --force while agents run`,
    file: 'src/store/era/new-era.ts',
    find: 'const { nextEra, ...current } = await planOf(tx, options);',
    replace: 'const { nextEra, ...current } = plan;',
    killedBy: era(
      'sqlite agents that run are in the way, also one that comes after the question, unless forced',
    ),
  },
];
