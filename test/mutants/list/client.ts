// What a broker's client must do: stop at the earliest of its deadline, the end of its event stream, or no beat for 1.5 s.
import type { SourceMutant } from '../mutant.ts';

const trust = (test: string) => ({ file: 'test/client/trust.test.ts', test });
const duties = (test: string) => ({ file: 'test/client/duties.test.ts', test });
const terms = (test: string) => ({ file: 'test/client/terms.test.ts', test });
const append = (test: string) => ({ file: 'test/client/append.test.ts', test });

const deadline = 'Broker: its deadline counts from when it sent the request';
const stream = 'Broker: stops at the end of its event stream';
const beat = 'Broker: stops after 1.5 s without a beat';
const slept = 'Broker: a machine that slept proves itself anew';
const fallen = 'Broker: what is old raises no trust';

export const clientMutants: readonly SourceMutant[] = [
  {
    name: 'counts its deadline from the answer',
    rule: deadline,
    file: 'src/client/trust.ts',
    find: 'untilMs: sentMs + trustedForMs',
    replace: 'untilMs: this.clock.monotonicMs() + trustedForMs',
    killedBy: trust('the proof counts from when the question was sent, however late its answer came'),
  },
  {
    name: 'passes its deadline by',
    rule: deadline,
    file: 'src/client/trust.ts',
    find: 'if (proof === undefined || nowMs >= proof.untilMs) {',
    replace: 'if (proof === undefined) {',
    killedBy: trust('the proof counts from when the question was sent, however late its answer came'),
  },
  {
    name: 'goes on when its event stream has ended',
    rule: stream,
    file: 'src/client/trust.ts',
    find: 'this.streamEnd = why;',
    replace: '',
    killedBy: trust('the end of the stream ends trust, whatever else stands'),
  },
  {
    name: 'leads before its event stream is open',
    rule: stream,
    file: 'src/client/trust.ts',
    find: "private streamEnd: string | undefined = 'not connected yet';",
    replace: 'private streamEnd: string | undefined;',
    killedBy: trust('nothing is trusted before the stream is open'),
  },
  {
    name: 'needs no beats',
    rule: beat,
    file: 'src/client/trust.ts',
    find: 'if (beatMs === undefined || nowMs >= beatMs + beatTimeoutMs) {',
    replace: 'if (beatMs === undefined) {',
    killedBy: trust('1.5 s without a beat are too long'),
  },
  {
    name: 'lives on the beats of the stream before',
    rule: fallen,
    file: 'src/client/trust.ts',
    find: 'this.suspension = undefined;\n    this.beatMs = undefined;',
    replace: 'this.suspension = undefined;',
    killedBy: trust('a new stream does not live on the beats of the old one'),
  },
  {
    name: 'takes a proof that was asked for before its fall',
    rule: fallen,
    file: 'src/client/trust.ts',
    find: 'if (sentMs < this.fellMs) return;',
    replace: '',
    killedBy: trust(
      'after a fall a proof asked for before it does not count, and a beat without a proof does not either',
    ),
  },
  {
    name: 'takes beats that lay in the socket for new ones',
    rule: fallen,
    file: 'src/client/leadership.ts',
    find: '// First the clock: what has waited in a socket must not hide how long that was.\n    this.check();',
    replace: '',
    killedBy: duties('what lay in the socket while the broker was frozen gives no trust back'),
  },
  {
    name: 'does not look at the clock before it appends',
    rule: deadline,
    file: 'src/client/term.ts',
    find: 'this.deps.check();\n      if (this.signal.aborted) throw',
    replace: 'if (this.signal.aborted) throw',
    killedBy: duties(
      'a frozen broker that wakes appends nothing, though no timer has run and no event has come',
    ),
  },
  {
    name: 'goes on when its agent is suspended',
    rule: 'Broker: stops when it is told',
    file: 'src/client/trust.ts',
    find: "if (this.suspension !== undefined) return { reason: 'suspended', detail: this.suspension };",
    replace: '',
    killedBy: trust('a suspension ends by word or by a beat'),
  },
  {
    name: 'trusts terms of one session by the proof of another',
    rule: 'Broker: trust in one session vouches for none of another',
    file: 'src/client/trust.ts',
    find: 'if (proof.sessionId !== this.streamSession) {',
    replace: 'if (false) {',
    killedBy: trust('a proof of another session than the stream speaks of is none'),
  },
  {
    name: 'does not notice that its machine slept',
    rule: slept,
    file: 'src/client/trust.ts',
    find: 'if (Math.abs(clock.wallMs() - nowMs - proof.skewMs) > skewMaxMs) {',
    replace: 'if (false) {',
    killedBy: trust('a machine that slept proves anew, though its monotonic clock stood still'),
  },
  {
    name: 'does not notice a sleep between question and answer',
    rule: slept,
    file: 'src/client/trust.ts',
    find: 'untilMs: sentMs + trustedForMs, skewMs }',
    replace: 'untilMs: sentMs + trustedForMs, skewMs: this.clock.wallMs() - this.clock.monotonicMs() }',
    killedBy: trust('sleep between question and answer counts as well'),
  },
  {
    name: 'acts on a term whose time to give it up has passed',
    rule: 'Broker: gives up what it is asked for in time',
    file: 'src/client/leadership.ts',
    find: 'this.asked.add(term);',
    replace: '',
    killedBy: terms('the time to give it up passes on our clock as well'),
  },
  {
    name: 'acknowledges before its last append is answered',
    rule: 'Broker: acknowledges behind its last append',
    file: 'src/client/term.ts',
    find: 'while (this.underWay.size > 0) await Promise.allSettled(this.underWay);',
    replace: '',
    killedBy: terms(
      'a callback that has returned keeps its term, and acknowledges when it is asked, behind the appends under way',
    ),
  },
  {
    name: 'appends behind its acknowledgement',
    rule: 'Broker: acknowledges behind its last append',
    file: 'src/client/term.ts',
    find: "this.end('released', 'given up');",
    replace: '',
    killedBy: terms('nothing is appended behind the acknowledgement'),
  },
  {
    name: 'begins a term again that it has given up',
    rule: 'Broker: a term that is over stays over',
    file: 'src/client/leadership.ts',
    find: ' || (this.spent.get(text) ?? -1) >= lease.epoch',
    replace: '',
    killedBy: terms(
      'release gives a term up, once, and it is not begun again though the agent still names it',
    ),
  },
  {
    name: 'goes on under an epoch that the store has refused',
    rule: 'Broker: a term that is fenced is over',
    file: 'src/client/term.ts',
    find: "this.end('fenced', error.message);",
    replace: '',
    killedBy: append('fenced: nothing is stored, and the term is over whatever the events say'),
  },
  {
    name: 'takes an append without an answer for one that was not done',
    rule: 'A lost reply is an unknown outcome',
    file: 'src/client/term.ts',
    find: 'throw lost ?? this.signal.reason;',
    replace: 'throw this.signal.reason;',
    killedBy: append('a lost answer whose term has ended is told as unknown, and not asked for again'),
  },
  {
    name: 'forgets an unknown outcome for an attempt that was never sent',
    rule: 'A lost reply is an unknown outcome',
    file: 'src/client/term.ts',
    find: 'if (lost?.outcomeUnknown !== true) lost = error;',
    replace: 'lost = error;',
    killedBy: append('unknown stays unknown when the last attempt was not even sent'),
  },
];
