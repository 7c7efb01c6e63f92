// What a write must show before it counts.
import type { SourceMutant } from '../mutant.ts';

const onSqlite = (test: string) => ({ file: 'test/store/contract.test.ts', test: `SQLite ${test}` });

const fence = 'The fence: epoch and session match and the session lives';

export const fenceMutants: readonly SourceMutant[] = [
  {
    name: 'appends without asking the fence (SQLite)',
    rule: fence,
    file: 'src/store/sqlite/fenced-writes.ts',
    find: 'and exists (${leaseUnderFence(d)})',
    replace: 'and (true or exists (${leaseUnderFence(d)}))',
    killedBy: onSqlite('append an epoch that is not the current one is fenced, and told the current one'),
  },
  {
    name: 'fences by the session alone',
    rule: fence,
    file: 'src/store/sql/fence.ts',
    find: "and l.epoch = ${d.parameter('epoch', 'bigint')}",
    replace: "and ${d.parameter('epoch', 'bigint')} is not null",
    killedBy: onSqlite('append an epoch that is not the current one is fenced, and told the current one'),
  },
  {
    name: 'fences by the epoch alone',
    rule: fence,
    file: 'src/store/sql/fence.ts',
    find: "and l.session_id = ${d.parameter('sessionId', 'uuid')}\n      and ${inHistory(d)}\n      and exists (select 1 from ${d.table('sessions')} s\n        where s.session_id = ${d.parameter('sessionId', 'uuid')} and",
    replace:
      "and ${inHistory(d)}\n      and exists (select 1 from ${d.table('sessions')} s\n        where s.session_id = l.session_id and",
    killedBy: onSqlite(
      'append who does not hold the lease at its current epoch has no lease, and is told who does',
    ),
  },
  {
    name: 'lets a session that was reaped write until somebody takes over',
    rule: fence,
    file: 'src/store/sql/fence.ts',
    find: 'and s.ended_at is null)',
    replace: ')',
    killedBy: onSqlite('append a reaped session cannot write, even before anyone has taken over'),
  },
  {
    name: 'appends without comparing the high watermark (SQLite)',
    rule: 'The fence: compare and set high_watermark = baseOffset',
    file: 'src/store/sqlite/fenced-writes.ts',
    find: "and p.high_watermark = ${d.parameter('base', 'bigint')}",
    replace: "and ${d.parameter('base', 'bigint')} is not null",
    killedBy: onSqlite('append a gap and an overlap are refused and name the high watermark'),
  },
  {
    name: 'advances the high watermark of whoever asks',
    rule: fence,
    file: 'src/store/sqlite/fenced-writes.ts',
    find: 'where ${target(d)} and p.high_watermark <= ',
    replace:
      "where (${target(d)} or p.partition = ${d.parameter('partition', 'integer')}) and p.high_watermark <= ",
    killedBy: onSqlite('high watermark only the term that holds the partition advances it'),
  },
  {
    name: 'asks the fence before it looks whether a segment is stored',
    rule: 'The fence: idempotency comes before it',
    file: 'src/store/sql/appends.ts',
    find: 'const ids = segments.map(({ id }) => ({ id }));',
    replace: 'refuseByFence(state, target); const ids = segments.map(({ id }) => ({ id }));',
    killedBy: {
      ...onSqlite('append an append asked again after its term is over is done already all the same'),
      shows: /a write under epoch \d+ is refused/,
    },
  },
  {
    name: 'takes other content under a stored id for stored',
    rule: 'The fence: stored with the same content',
    file: 'src/store/sql/appends.ts',
    find: 'else if (!sameSegment(known, segment)) {',
    replace: 'else if (false) {',
    killedBy: onSqlite('append a known id with other content is refused'),
  },
  {
    name: 'lets a coordinator of an earlier term write its plan',
    rule: 'Assignment: writes are fenced by the coordinator’s own epoch',
    file: 'src/store/sql/assignments.ts',
    find: "and l.epoch = ${d.parameter('epoch', 'bigint')} and l.session_id",
    replace: "and ${d.parameter('epoch', 'bigint')} is not null and l.session_id",
    killedBy: onSqlite('assignment who does not hold the role at its current epoch writes nothing'),
  },
  {
    name: 'lets anybody who knows the epoch write a plan',
    rule: 'Assignment: writes are fenced by the coordinator’s own epoch',
    file: 'src/store/sql/assignments.ts',
    find: "and l.session_id = ${d.parameter('sessionId', 'uuid')}\n      and ${inHistory(d)}\n    ${d.lock('no key update', 'l')}",
    replace:
      "and ${d.parameter('sessionId', 'uuid')} is not null\n      and ${inHistory(d)}\n    ${d.lock('no key update', 'l')}",
    killedBy: onSqlite('assignment who does not hold the role at its current epoch writes nothing'),
  },
  {
    name: 'takes a commit that failed for one that had no effect (SQLite)',
    rule: 'A lost reply is an unknown outcome',
    file: 'src/store/sqlite/errors.ts',
    find: 'outcomeUnknown: committing',
    replace: 'outcomeUnknown: false',
    killedBy: {
      file: 'test/store/sqlite/errors.test.ts',
      test: 'only a commit that fails leaves its outcome open',
    },
  },
  {
    name: 'takes a connection that broke for a statement that had no effect',
    rule: 'A lost reply is an unknown outcome',
    file: 'src/store/postgres/errors.ts',
    find: 'outcomeUnknown: !tookNoEffect(code)',
    replace: 'outcomeUnknown: false',
    killedBy: {
      file: 'test/store/postgres/lost-reply.test.ts',
      test: 'PostgreSQL: an append whose reply was lost is found stored holds',
    },
  },
  {
    name: 'does not run again what was chosen to break a deadlock',
    rule: 'Lock order: 40P01 and 40001 run again',
    file: 'src/store/postgres/errors.ts',
    find: "return code === '40001' || code === '40P01';",
    replace: "return code === '40001';",
    killedBy: {
      file: 'test/store/postgres/deadlock.test.ts',
      test: 'of two transactions that wait for each other both are done in the end',
    },
  },
];
