// How long an agent acts on its session, and what it reads before it does.
import type { SourceMutant } from '../mutant.ts';

const trust = (test: string) => ({ file: 'test/coordination/trust.test.ts', test });
const heartbeat = (test: string) => ({ file: 'test/coordination/heartbeat.test.ts', test });
const holdings = (test: string) => ({ file: 'test/coordination/holdings.test.ts', test });
const budget = (test: string) => ({ file: 'test/domain/time-budget.test.ts', test });

export const trustMutants: readonly SourceMutant[] = [
  {
    name: 'counts trust from the answer of a heartbeat',
    rule: 'Trust: counted from when the heartbeat was sent',
    file: 'src/coordination/trust.ts',
    find: 'this.proof = sent;',
    replace: 'this.proof = this.sending();',
    killedBy: trust('trust counts from when the heartbeat was sent, however slow the answer was'),
  },
  {
    name: 'trusts itself for the whole TTL',
    rule: 'Trust: until sent + TTL − margin',
    file: 'src/domain/session.ts',
    find: ' - budget.trustMarginMs',
    replace: '',
    killedBy: trust('trust is over at its deadline, not a moment later'),
  },
  {
    name: 'does not notice that the machine slept',
    rule: 'Trust: void where wall and monotonic time diverge by more than half the margin',
    file: 'src/coordination/trust.ts',
    find: 'if (drift > this.budget.trustMarginMs / 2) return 0;',
    replace: '',
    killedBy: trust(
      'a machine that slept trusts nothing until the next proof, though its monotonic clock says that no time has passed',
    ),
  },
  {
    name: 'takes the wall clock of a proof from its answer',
    rule: 'Trust: void where wall and monotonic time diverge by more than half the margin',
    file: 'src/coordination/trust.ts',
    find: 'this.proof = sent;',
    replace: 'this.proof = { ...sent, sentWallMs: this.clock.wallMs() };',
    killedBy: trust(
      'a machine that slept does not trust a heartbeat that was sent before it slept and answered after',
    ),
  },
  {
    name: 'forgets a step of the clock that another one hides',
    rule: 'Trust: void where wall and monotonic time diverge, until the next proof',
    file: 'src/coordination/live-session.ts',
    find: 'this.registered.trust.limitTo(0);',
    replace: '',
    killedBy: heartbeat(
      'a wall clock that is set back, and a machine that then sleeps for as long leave no trust until a heartbeat that was sent after both is answered',
    ),
  },
  {
    name: 'forgets a step of the clock while it registers',
    rule: 'Trust: void where wall and monotonic time diverge, until the next proof',
    file: 'src/coordination/agent.ts',
    find: 'if (this.clockSteps > stepsBefore) session.clockStepped();',
    replace: '',
    killedBy: heartbeat(
      'a wall clock that is set back, and a machine that then sleeps for as long leave none to a session that was being registered',
    ),
  },
  {
    name: 'goes on trusting a session that was said to be over',
    rule: 'Sessions: ended is for ever',
    file: 'src/coordination/trust.ts',
    find: 'void(): void {\n    this.proof = undefined;',
    replace: 'void(): void {',
    killedBy: trust('trust is void once it was said to be, until the next proof'),
  },
  {
    name: 'goes on acting when the store says that the session has ended',
    rule: 'Sessions: ended is for ever',
    file: 'src/coordination/heartbeat.ts',
    find: 'session.trust.void();',
    replace: '',
    killedBy: heartbeat(
      'trust is over at once when the store says that the session has ended, though loops of it still wait',
    ),
  },
  {
    name: 'trusts from the first attempt to register',
    rule: 'Trust: counted from when the heartbeat was sent',
    file: 'src/coordination/registration.ts',
    find: 'trust.proven(sent);',
    replace: 'trust.proven(trust.sending());',
    killedBy: {
      file: 'test/coordination/registration.test.ts',
      test: 'a registration trusts from when it was sent, however slow the answer was',
    },
  },
  {
    name: 'extends trust before it reads what the heartbeat says has changed',
    rule: 'Sessions: a higher holdings version means "read again before you trust"',
    file: 'src/coordination/heartbeat.ts',
    find: 'await handlers.beforeTrust(answer);\n        session.trust.proven(sent);',
    replace: 'session.trust.proven(sent);\n        await handlers.beforeTrust(answer);',
    killedBy: heartbeat('a holdings version beyond the one known is read before trust is extended'),
  },
  {
    name: 'never notices that a lease was taken away',
    rule: 'Sessions: a higher holdings version means "read again before you trust"',
    file: 'src/coordination/live-session.ts',
    find: 'await this.holdings.catchUp(holdingsVersion);',
    replace: '',
    killedBy: heartbeat(
      'a holdings version beyond the one known that cannot be read leaves trust as it was, until it ends',
    ),
  },
  {
    name: 'takes a version that others raised for that of its own grant',
    rule: 'Sessions: a higher holdings version means "read again before you trust"',
    file: 'src/coordination/holdings.ts',
    find: 'if (version === this.versionKnown + 1) ',
    replace: 'if (version > this.versionKnown) ',
    killedBy: holdings('an acquire that finds a change of somebody else between reads everything'),
  },
  {
    name: 'acts on a lease that it is releasing',
    rule: 'Holdings: given up locally at once',
    file: 'src/coordination/holdings.ts',
    find: 'return this.releasing.has(text) ? undefined : this.terms.get(text);',
    replace: 'return this.terms.get(text);',
    killedBy: holdings(
      'a lease that is being released is not shown as held from the moment it is given up, before the store knows',
    ),
  },
  {
    name: 'takes a release without an answer for one that was not done',
    rule: 'A lost reply is an unknown outcome',
    file: 'src/coordination/holdings.ts',
    find: "this.releasing.set(text, 'failed');",
    replace: 'this.releasing.delete(text);',
    killedBy: holdings(
      'a lease that is being released and whose request was lost stays hidden through every heartbeat, until it is released',
    ),
  },
  {
    name: 'takes an acquire without an answer for one that was refused',
    rule: 'A lost reply is an unknown outcome',
    file: 'src/coordination/holdings.ts',
    find: 'if (version > this.versionKnown) await this.read(',
    replace: 'if (this.versionKnown < 0) await this.read(',
    killedBy: holdings('an acquire whose reply was lost is found by the next heartbeat'),
  },
  {
    name: 'asks for a lease behind a release that failed',
    rule: 'Release: an agent does one thing with its leases at a time',
    file: 'src/coordination/holdings.ts',
    find: 'batch.filter((key) => !this.releasing.has(leaseKeyText(key)))',
    replace: '[...batch]',
    killedBy: holdings(
      'a lease that is being released is not asked for behind a release that failed, which may still arrive',
    ),
  },
  {
    name: 'asks for a lease while its release is on its way',
    rule: 'Release: an agent does one thing with its leases at a time',
    file: 'src/coordination/holdings.ts',
    find: 'await this.serial.run(() => this.acquireBatches(some))',
    replace: 'await this.acquireBatches(some)',
    killedBy: holdings(
      'a lease that is being released is had again only behind its release, under a higher epoch',
    ),
  },
  {
    name: 'asks for a lease whose release was not answered',
    rule: 'Release: what was given up is released, with an answer, before it is asked for again',
    file: 'src/coordination/lease-keeper.ts',
    find: 'const pending = this.holdings.pendingReleases();',
    replace: 'const pending = this.missing().length > 0 ? [] : this.holdings.pendingReleases();',
    killedBy: {
      file: 'test/coordination/lease-keeper.test.ts',
      test: 'leases that the plan gives to another and then wants here again are had under higher epochs, once the store has answered their release',
    },
  },
  {
    name: 'accepts an attempt budget that leaves no time for a second heartbeat',
    rule: 'Time budget (DESIGN 8): checked at start',
    file: 'src/domain/time-budget.ts',
    find: 'if (heartbeatIntervalMs + 2 * attemptMs > trustMs) {',
    replace: 'if (heartbeatIntervalMs + attemptMs > trustMs) {',
    killedBy: budget(
      'a broken relation is refused with both of its values an interval and two attempts that end after trust does',
    ),
  },
  {
    name: 'accepts a margin smaller than what clocks run apart',
    rule: 'Time budget (DESIGN 8): checked at start',
    file: 'src/domain/time-budget.ts',
    find: 'trustMarginMs < ttlMs / 50 || ',
    replace: '',
    killedBy: budget(
      'a broken relation is refused with both of its values a margin too small for clocks that run apart',
    ),
  },
];
