// When a session may be ended by others: by silence, or because its process is seen to have died.
import type { SourceMutant } from '../mutant.ts';

const silence = (test: string) => ({ file: 'test/domain/silence-watch.test.ts', test });
const crash = (test: string) => ({ file: 'test/domain/crash-watch.test.ts', test });
const reaper = (test: string) => ({ file: 'test/coordination/reaper.test.ts', test });
const lock = (test: string) => ({ file: 'test/store/postgres/coordination-lock.test.ts', test });
const named = (test: string) => ({ file: 'test/coordination/registration.test.ts', test });
const onSqlite = (test: string) => ({ file: 'test/store/contract.test.ts', test: `SQLite ${test}` });

const observation = 'Reaped is dead: one TTL of unbroken observation of that same beat';
const voided = 'Reaped is dead: void is what was seen before';
const crashed = 'Crashed before its TTL';

export const reapingMutants: readonly SourceMutant[] = [
  {
    name: 'reaps after less than a TTL of silence',
    rule: observation,
    file: 'src/domain/silence-watch.ts',
    find: '.filter(([, { sinceMs, ttlMs }]) => this.askedMs - sinceMs >= ttlMs)',
    replace: '.filter(([, { sinceMs, ttlMs }]) => this.askedMs - sinceMs >= ttlMs / 2)',
    killedBy: silence(
      'a silence is a TTL long when a beat was seen unchanged for that long, and names the beat to compare',
    ),
  },
  {
    name: 'counts a silence from the question',
    rule: observation,
    file: 'src/domain/silence-watch.ts',
    find: 'sinceMs: nowMs }',
    replace: 'sinceMs: askedMs }',
    killedBy: silence('a silence counts from the answer of the first look, not from when it was asked'),
  },
  {
    name: 'counts a silence to the answer',
    rule: observation,
    file: 'src/domain/silence-watch.ts',
    find: 'this.askedMs = askedMs;',
    replace: 'this.askedMs = nowMs;',
    killedBy: silence('a silence counts to the asking of the last look, not to its answer'),
  },
  {
    name: 'counts a silence across beats',
    rule: observation,
    file: 'src/domain/silence-watch.ts',
    find: 'known?.beat === beat ? known : { beat, ttlMs, sinceMs: nowMs }',
    replace: '{ beat, ttlMs, sinceMs: known?.sinceMs ?? nowMs }',
    killedBy: silence('a silence starts again when the beat changes'),
  },
  {
    name: 'goes on observing on another connection',
    rule: voided,
    file: 'src/domain/silence-watch.ts',
    find: 'connection !== this.connection ||',
    replace: '',
    killedBy: silence('the observation starts again on another connection'),
  },
  {
    name: 'does not notice that it did not look for long',
    rule: voided,
    file: 'src/domain/silence-watch.ts',
    find: 'nowMs - this.lastMs > this.options.gapMaxMs',
    replace: 'false',
    killedBy: silence(
      'the observation starts again after a gap longer than allowed, and not after one just as long',
    ),
  },
  {
    name: 'remembers what it was told to forget',
    rule: voided,
    file: 'src/domain/silence-watch.ts',
    find: 'this.seen.clear();\n    this.connection = undefined;\n    this.lastMs = undefined;',
    replace: '',
    killedBy: silence(
      'the observation starts again when it is said to be void, although the connection is the same',
    ),
  },
  {
    name: 'goes on observing after a look that failed',
    rule: voided,
    file: 'src/coordination/reaper.ts',
    find: "this.void();\n        log.debug({ err: error }, 'observation broken');",
    replace: "log.debug({ err: error }, 'observation broken');",
    killedBy: reaper('an observation is broken, and the silence starts again, when a look fails'),
  },
  {
    name: 'goes on observing while its own heartbeats fail',
    rule: voided,
    file: 'src/coordination/live-session.ts',
    find: 'failed: () => this.reaper.void(),',
    replace: 'failed: () => undefined,',
    killedBy: reaper('a reaper whose own heartbeats fail reaps nobody, however long it can read'),
  },
  {
    name: 'judges the session under its own name by other silences after the store was away',
    rule: voided,
    file: 'src/coordination/registration.ts',
    find: 'watch.void();',
    replace: '',
    killedBy: {
      file: 'test/coordination/registration.test.ts',
      test: 'a name whose agent died silently is waited for anew when the store was away meanwhile',
    },
  },
  {
    name: 'reaps at once whoever has its name',
    rule: observation,
    file: 'src/coordination/registration.ts',
    find: 'const [silent] = watch.silent();',
    replace: 'const silent = by;',
    killedBy: named(
      'a name whose agent died silently is waited for during a TTL, then had, and its leases taken over under higher epochs',
    ),
  },
  {
    name: 'goes on waiting for the name of an agent that beats',
    rule: 'Sessions: two cannot have one name, and the first has it',
    file: 'src/coordination/registration.ts',
    find: 'if (seen.newBeats >= beatsOfTheLiving) throw nameTaken(by, options);',
    replace: '',
    killedBy: named(
      'a name that a living agent has is refused to a second one, with both processes named, and the first is undisturbed',
    ),
  },
  {
    name: 'calls silence a crash',
    rule: `${crashed}: told from silence`,
    file: 'src/store/sql/crashed-session.ts',
    find: ' and s.ended_at < s.expires_at and s.expires_at <=',
    replace: ' and s.ended_at <=',
    killedBy: onSqlite(
      'acquire the lease of a reaped session is free, and tells from whom and after what silence',
    ),
  },
  {
    name: 'calls a crash silence',
    rule: `${crashed}: told from silence`,
    file: 'src/store/sql/crashed-session.ts',
    find: "(s.end_reason = 'reaped' and",
    replace: "(s.end_reason = 'crashed' and",
    killedBy: {
      file: 'test/store/postgres/reap-crashed.test.ts',
      test: 'PostgreSQL: a takeover of a session that was ended before its time tells of a crash holds',
    },
  },
  {
    name: 'reaps without comparing the beat (SQLite)',
    rule: 'Reaped is dead: compare-and-set of the beat that was seen',
    file: 'src/store/sql/sessions.ts',
    find: "beat = ${d.parameter('beat', 'bigint')}\n      and (expires_at",
    replace: "${d.parameter('beat', 'bigint')} is not null\n      and (expires_at",
    killedBy: onSqlite('reaping an expired session that has beaten since it was observed is alive'),
  },
  {
    name: 'reaps what has not expired (SQLite)',
    rule: 'Reaped is dead: by the database’s clock as well',
    file: 'src/store/sql/sessions.ts',
    find: 'and (expires_at < ${d.now} or expires_at > ${d.plusMs(d.now, sql`ttl_ms`)})',
    replace: '',
    killedBy: onSqlite('reaping a session that has not expired is alive'),
  },
  {
    name: 'beats for a session that has ended (SQLite)',
    rule: 'Reaped is dead: ended is for ever',
    file: 'src/store/sql/sessions.ts',
    find: 'and ended_at is null\n    returning lock_key',
    replace: 'returning lock_key',
    killedBy: onSqlite('reaping a session that is expired at the beat observed is reaped, for ever'),
  },
  {
    name: 'takes a name whose session has expired',
    rule: 'Reaped is dead: only a reap judges expiry',
    file: 'src/store/sql/sessions.ts',
    find: 'await tx.all(insertSession, { sessionId, group, agentId, process, ttlMs, serving });',
    replace: `const before = await first(tx, selectLiveSession, { group, agentId });
      if (before && (await first(tx, reap, { sessionId: before.sessionId, beat: before.beat }))) { /* gone */ }
      await tx.all(insertSession, { sessionId, group, agentId, process, ttlMs, serving });`,
    killedBy: onSqlite('sessions a name with a live session is taken, even when that session has expired'),
  },
  {
    name: 'reaps at once when a lock vanishes',
    rule: `${crashed}: missing for 500 ms`,
    file: 'src/domain/crash-watch.ts',
    find: '.filter(([, { missingSinceMs = Infinity }]) => this.askedMs - missingSinceMs >= crashGraceMs)',
    replace: '',
    killedBy: crash(
      'a lock that was seen held and has vanished is a crash after the grace, and names beat and key to compare',
    ),
  },
  {
    name: 'counts the grace of a vanished lock from the question',
    rule: `${crashed}: missing for 500 ms`,
    file: 'src/domain/crash-watch.ts',
    find: 'const { missingSinceMs = nowMs } = known;',
    replace: 'const { missingSinceMs = askedMs } = known;',
    killedBy: crash('a lock that was seen held and has vanished counts from an answer to a question'),
  },
  {
    name: 'takes a lock under another key for the one it saw',
    rule: `${crashed}: compared with the key`,
    file: 'src/domain/crash-watch.ts',
    find: 'else if (known?.lockKey === lockKey) {',
    replace: 'else if (known !== undefined) {',
    killedBy: crash('it means nothing when the key is another than the one that was seen held'),
  },
  {
    name: 'takes a lock that it never saw held for one that vanished',
    rule: `${crashed}: seen held, then missing`,
    file: 'src/domain/crash-watch.ts',
    find: 'const known = before.get(sessionId);',
    replace: 'const known = before.get(sessionId) ?? { lockKey, beat, missingSinceMs: nowMs };',
    killedBy: crash('it means nothing to an observer that never saw it held'),
  },
  {
    name: 'goes on watching locks on another connection',
    rule: `${crashed}: all on one connection of its own`,
    file: 'src/domain/crash-watch.ts',
    find: 'connection === this.connection ? this.seen : new Map<string, Seen>()',
    replace: 'this.seen',
    killedBy: crash(
      'it means nothing when our own connection was another meanwhile: a server that crashed has forgotten all locks',
    ),
  },
  {
    name: 'takes a third of all locks vanishing together for crashes',
    rule: `${crashed}: more than a third are the store’s fault`,
    file: 'src/domain/crash-watch.ts',
    find: 'missing.length > storesFault.share * this.seen.size',
    replace: 'missing.length > this.seen.size',
    killedBy: crash(
      'locks that vanish together are crashes up to a third of them, and beyond that the fault of the store',
    ),
  },
  {
    name: 'takes who beats on without its lock for dead',
    rule: `${crashed}: who beats on without its lock is alive`,
    file: 'src/domain/crash-watch.ts',
    find: 'if (!isAlive) ',
    replace: '',
    killedBy: crash('it means nothing for a session that beats on without its lock: it is alive'),
  },
  {
    name: 'remembers the locks that it was told to forget',
    rule: `${crashed}: an observer whose own heartbeat failed forgets all it saw`,
    file: 'src/domain/crash-watch.ts',
    find: 'this.seen.clear();\n    this.connection = undefined;',
    replace: '',
    killedBy: crash('it means nothing when the observation was void'),
  },
  {
    name: 'forgets silences and not locks when its own heartbeat fails',
    rule: `${crashed}: an observer whose own heartbeat failed forgets all it saw`,
    file: 'src/coordination/reaper.ts',
    find: 'this.crashes.void();',
    replace: '',
    killedBy: reaper('a crash is not told when our own heartbeat failed since the lock was seen held'),
  },
  {
    name: 'acts for as long as others wait when its connection is lost',
    rule: `${crashed}: acts for 250 ms more at most`,
    file: 'src/domain/crash-watch.ts',
    find: 'crashGraceMs / 2',
    replace: 'crashGraceMs',
    killedBy: crash('an agent stops well before anybody may take the loss of its connection for its death'),
  },
  {
    name: 'acts on when its connection is lost',
    rule: `${crashed}: acts for 250 ms more at most`,
    file: 'src/coordination/live-session.ts',
    find: 'this.registered.trust.limitTo(lostConnectionTrustMs);',
    replace: '',
    killedBy: {
      file: 'test/coordination/heartbeat.test.ts',
      test: 'the loss of the coordination connection limits trust until a heartbeat that was sent after it is answered',
    },
  },
  {
    name: 'lets a heartbeat that was sent before its connection was lost vouch for it',
    rule: `${crashed}: unless a heartbeat under a new lock has been answered`,
    file: 'src/coordination/trust.ts',
    find: 'sent.sentMs > this.proof.sentMs) this.proof = sent;',
    replace:
      'sent.sentMs > this.proof.sentMs) { this.proof = sent; this.bound = { fromMs: -Infinity, untilMs: Infinity }; }',
    killedBy: {
      file: 'test/coordination/trust.test.ts',
      test: 'a bound on trust is not lifted by a heartbeat that was sent before it',
    },
  },
  {
    name: 'acts for longer with every connection that it loses',
    rule: `${crashed}: acts for 250 ms more at most`,
    file: 'src/coordination/trust.ts',
    find: 'wasBound ? Math.min(this.bound.untilMs, untilMs) : untilMs',
    replace: 'untilMs',
    killedBy: {
      file: 'test/coordination/trust.test.ts',
      test: 'a bound on trust is not moved by a second one before there is a new proof',
    },
  },
  {
    name: 'does not say that a connection with its lock was lost',
    rule: `${crashed}: a living agent whose connection is lost hears of it`,
    file: 'src/store/postgres/connection.ts',
    find: 'if (this.shown.ended(client) && !this.closed) onLockLost();',
    replace: 'this.shown.ended(client);',
    killedBy: lock('it is held while the connection lives, and its loss is told'),
  },
  {
    name: 'cuts a connection whose answer is late, lock and all',
    rule: `${crashed}: a connection whose answer was late is set aside`,
    file: 'src/store/postgres/connection.ts',
    find: 'this.shown.isShown(client) ? runOrLeave : runBounded',
    replace: 'runBounded',
    killedBy: lock('a late answer does not let go of it before another is told'),
  },
  {
    name: 'lets go of the very lock that the store was just told',
    rule: `${crashed}: a connection whose answer was late is set aside`,
    file: 'src/store/postgres/shown-locks.ts',
    find: '(this.keys.get(connection) ?? 0) < key',
    replace: 'true',
    killedBy: lock(
      'a connection set aside is kept when the heartbeat that is answered late has told its own lock',
    ),
  },
];
