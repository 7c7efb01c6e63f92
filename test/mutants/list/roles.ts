// Roles among the candidates of one agent, and partitions between an agent and its broker.
import type { SourceMutant } from '../mutant.ts';

const race = (test: string) => ({ file: 'test/coordination/race.test.ts', test });
const candidacies = (test: string) => ({ file: 'test/coordination/candidacies.test.ts', test });
const ends = (test: string) => ({ file: 'test/coordination/candidacies-ends.test.ts', test });
const handoff = (test: string) => ({ file: 'test/coordination/handoff.test.ts', test });
const stuck = (test: string) => ({
  file: 'test/store/contract.test.ts',
  test: `SQLite a stuck coordinator ${test}`,
});
const elector = (test: string) => ({ file: 'test/coordination/elector.test.ts', test });

const oneEpoch = 'Roles: no two candidates ever have the same epoch';
const hold = 'Roles: a hold counts from when the request came';
const told = 'Roles: who is told to stop keeps everybody else out until it says that it has stopped';

export const roleMutants: readonly SourceMutant[] = [
  {
    name: 'hands a term that one candidate has left to the next',
    rule: oneEpoch,
    file: 'src/coordination/race.ts',
    find: 'head === undefined || epoch <= this.newestEpoch',
    replace: 'head === undefined',
    killedBy: race('a term that is found again after it was left is nobody’s'),
  },
  {
    name: 'gives a term to another candidate while one leads',
    rule: oneEpoch,
    file: 'src/coordination/race.ts',
    find: "if (this.now.is !== 'none') return undefined;",
    replace: '',
    killedBy: race('a term goes to one candidate, however often it is found'),
  },
  {
    name: 'begins the next candidate under the term that is being released',
    rule: oneEpoch,
    file: 'src/coordination/race.ts',
    find: 'this.newestEpoch = epoch;',
    replace: '',
    killedBy: race('a term that is found again after it was left is nobody’s'),
  },
  {
    name: 'releases a role when another candidate than the one told to stop has left',
    rule: told,
    file: 'src/coordination/race.ts',
    find: "now.is === 'leaving' && now.awaited === candidate) {",
    replace: "now.is === 'leaving') {",
    killedBy: race(
      'a leader that was told to stop has its term released when it leaves, not when another does',
    ),
  },
  {
    name: 'gives a role on before its leader has stopped',
    rule: told,
    file: 'src/coordination/role-keeper.ts',
    find: "tenure.is !== 'leaving' || tenure.releaseAtMs > nowMs",
    replace: "tenure.is !== 'leaving'",
    killedBy: ends(
      'an operator has whoever leads told to stop; the role goes on when it has said that it did',
    ),
  },
  {
    name: 'ends its session before its leaders have stopped',
    rule: told,
    file: 'src/coordination/role-keeper.ts',
    find: 'if (waitMs <= 0) break;',
    replace: 'if (waitMs !== -1) break;',
    killedBy: ends(
      'an agent that stops waits for its leaders to say that they have, and no longer than they are trusted',
    ),
  },
  {
    name: 'tells a leader to act beyond the trust of its agent',
    rule: hold,
    file: 'src/coordination/candidacies.ts',
    find: 'Math.min(candidate.restMs(), this.session?.trustedForMs() ?? 0)',
    replace: 'candidate.restMs()',
    killedBy: candidacies(
      'how long a leader is trusted is told from its request on: the rest of its hold or of the session, whichever ends first',
    ),
  },
  {
    name: 'keeps a candidate that was not renewed while its timer is late',
    rule: 'Roles: a candidate lives on its event stream or on renewals',
    file: 'src/coordination/candidacies.ts',
    find: 'candidate === undefined || candidate.restMs() > 0',
    replace: 'candidate === undefined || !candidate.isOver',
    killedBy: candidacies(
      'a candidacy by renewal is over at its time even when its timer is late: a renewal then comes too late',
    ),
  },
  {
    name: 'counts a hold from when its request was answered',
    rule: hold,
    file: 'src/coordination/candidate.ts',
    find: 'Math.max(this.untilMs, receivedMs + holdMs)',
    replace: 'Math.max(this.untilMs, this.clock.monotonicMs() + holdMs)',
    killedBy: {
      file: 'test/coordination/race.test.ts',
      test: 'a hold counts from when its request came, however late it is looked at',
    },
  },
  {
    name: 'keeps a candidate whose event stream has ended',
    rule: 'Roles: a candidate lives on its event stream or on renewals',
    file: 'src/coordination/candidate.ts',
    find: "const onEnd = (): void => end('stream_closed');",
    replace: 'const onEnd = (): void => undefined;',
    killedBy: candidacies('a candidacy on a stream ends with it, and not before'),
  },
  {
    name: 'begins a term without trust',
    rule: 'Roles: nothing while the session is not trusted',
    file: 'src/coordination/role-keeper.ts',
    find: 'if (this.session.trustedForMs() <= 0) return false;',
    replace: '',
    killedBy: candidacies(
      'how long a leader is trusted is nothing while the session is not trusted; the term goes on, and new ones are not begun',
    ),
  },
  {
    name: 'lets a candidate lead on when its lease is in other hands',
    rule: 'Sessions: a higher holdings version means "read again before you trust"',
    file: 'src/coordination/role-keeper.ts',
    find: "if (holdings.get(roleKey(race.role))?.epoch !== tenure.epoch) this.races.over(race, 'superseded');",
    replace: '',
    killedBy: ends('a session that is lost is told to a leader when its lease is found in other hands'),
  },
  {
    name: 'coordinates on in a term that is over',
    rule: 'Assignment: a coordinator acts in its own term',
    file: 'src/coordination/elector.ts',
    find: ' && this.holdings.get(term.key)?.epoch === term.epoch',
    replace: '',
    killedBy: elector('a candidate leads in the term it was granted, until what it holds says otherwise'),
  },
  {
    name: 'takes the role from a coordinator that has got on meanwhile',
    rule: 'A stuck coordinator: compare-and-set of the stamp that was seen',
    file: 'src/store/sql/stuck-coordinator.ts',
    find: "and progress = ${d.parameter('progress', 'bigint')}",
    replace: "and ${d.parameter('progress', 'bigint')} is not null",
    killedBy: stuck('a stamp, a term or a holder that is another is left alone'),
  },
  {
    name: 'takes the role from a later term of a coordinator',
    rule: 'A stuck coordinator: compare-and-set of the epoch that was seen',
    file: 'src/store/sql/stuck-coordinator.ts',
    find: "and ${sql.raw(alias)}.epoch = ${d.parameter('epoch', 'bigint')}",
    replace: "and ${d.parameter('epoch', 'bigint')} is not null",
    killedBy: stuck('a stamp, a term or a holder that is another is left alone'),
  },
  {
    name: 'takes the role from a coordinator though it could not plan itself',
    rule: 'A stuck coordinator: asked on the pool, so that who could not plan either does not win',
    file: 'src/store/sql/store.ts',
    find: 'new SqlStuckCoordinator(db, group)',
    replace: 'new SqlStuckCoordinator({ ...db, transaction: (work) => work(coordination) }, group)',
    killedBy: {
      file: 'test/store/postgres/stuck-coordinator.test.ts',
      test: 'an agent whose own connection reaches the server and whose pool does not takes the role from nobody',
    },
  },
  {
    name: 'releases a partition without waiting for its broker',
    rule: 'Handoff: the broker acknowledges, then the lease is released',
    file: 'src/coordination/handoff.ts',
    find: 'await this.ask(fresh, leavingByMs);\n      return 0;',
    replace: 'await this.ask(fresh, leavingByMs);',
    killedBy: {
      ...handoff(
        'a planned move with a broker attached leaves the partition with the broker until it acknowledges, then the next begins under the next epoch',
      ),
      shows: /the broker was never asked/,
    },
  },
  {
    name: 'releases what the broker was asked for before its time is over',
    rule: 'Handoff: the broker acknowledges, then the lease is released',
    file: 'src/coordination/handoff.ts',
    find: 'revoking !== undefined && revoking.releasedAtMs <= nowMs',
    replace: 'revoking !== undefined',
    killedBy: handoff(
      'a planned move with a broker attached nobody else holds it before the answer, and the other two are never asked for',
    ),
  },
  {
    name: 'takes an acknowledgement of an old term for one of the current term',
    rule: 'Handoff: acknowledgements name the epoch',
    file: 'src/coordination/holdings.ts',
    find: 'if (this.isCurrent(term)) this.forget(leaseKeyText(term.key));',
    replace: 'this.forget(leaseKeyText(term.key));',
    killedBy: handoff(
      'a planned move with a broker attached an acknowledgement under an old epoch releases nothing, and a repeated one is fine while it is vacant',
    ),
  },
  {
    name: 'asks a new term back for a request that meant the one before',
    rule: 'Operators ask: a request is for one term',
    file: 'src/store/sql/leases.ts',
    find: 'l.release_requested_epoch is not distinct from l.epoch as release_requested',
    replace: 'l.release_requested_epoch is not null as release_requested',
    killedBy: {
      file: 'test/store/contract.test.ts',
      test: 'SQLite requests of operators a request is void as soon as the term is over, also for the same session',
    },
  },
];
