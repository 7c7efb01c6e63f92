// A broker's duties as arithmetic of the clock: each leg of trust, and that none of them is raised by what is old.
import { beforeEach, expect, test } from 'vitest';
import { Trust } from '../../src/client/trust.ts';
import { ManualClock } from '../coordination/manual-clock.ts';

let clock: ManualClock;
let trust: Trust;

beforeEach(() => {
  clock = new ManualClock();
  trust = new Trust(clock);
});

/** A stream, a session, a proof and a beat: trusted for `trustedForMs` from now. */
function raise(trustedForMs = 8_000): void {
  trust.streamOpened();
  trust.session('s1');
  trust.proven('s1', trust.asking(), trustedForMs);
  trust.beat();
}

test('nothing is trusted before the stream is open', () => {
  trust.session('s1');
  trust.proven('s1', trust.asking(), 8_000);
  trust.beat();
  expect(trust.loss()?.reason).toBe('stream_ended');
});

test('a stream, a session, a proof and a beat are enough', () => {
  raise();
  expect(trust.loss()).toBeUndefined();
});

test('the proof counts from when the question was sent, however late its answer came', () => {
  trust.streamOpened();
  trust.session('s1');
  const asked = trust.asking();
  clock.jump(700);
  trust.proven('s1', asked, 1_000);
  trust.beat();
  expect(trust.loss()).toBeUndefined();
  clock.jump(299);
  expect(trust.loss()).toBeUndefined();
  clock.jump(1);
  expect(trust.loss()?.reason).toBe('deadline');
});

test('the end of the stream ends trust, whatever else stands', () => {
  raise();
  trust.streamEnded('cut');
  expect(trust.loss()).toEqual({ reason: 'stream_ended', detail: 'cut' });
  trust.proven('s1', trust.asking(), 8_000);
  trust.beat();
  expect(trust.loss()?.reason).toBe('stream_ended');
});

test('1.5 s without a beat are too long', () => {
  raise();
  clock.jump(1_499);
  expect(trust.loss()).toBeUndefined();
  clock.jump(1);
  expect(trust.loss()?.reason).toBe('no_beat');
});

test('a proof of another session than the stream speaks of is none', () => {
  raise();
  trust.proven('s2', trust.asking(), 8_000);
  expect(trust.loss()?.reason).toBe('session_changed');
  trust.session('s2');
  expect(trust.loss()).toBeUndefined();
});

test('an agent without a session takes the proof back', () => {
  raise();
  trust.proven(null, trust.asking(), 0);
  expect(trust.loss()?.reason).toBe('deadline');
});

test('after a fall a proof asked for before it does not count, and a beat without a proof does not either', () => {
  raise();
  const before = trust.asking();
  clock.jump(2_000);
  expect(trust.loss()?.reason).toBe('no_beat');
  trust.fall();
  trust.proven('s1', before, 8_000);
  trust.beat();
  expect(trust.loss()?.reason).toBe('deadline');
  trust.beat();
  trust.proven('s1', trust.asking(), 8_000);
  expect(trust.loss()?.reason).toBe('no_beat');
  trust.beat();
  expect(trust.loss()).toBeUndefined();
});

test('a new stream does not live on the beats of the old one', () => {
  raise();
  trust.streamEnded('cut');
  trust.streamOpened();
  expect(trust.loss()?.reason).toBe('no_beat');
});

test('a suspension ends by word or by a beat', () => {
  raise();
  trust.suspended('no heartbeat');
  expect(trust.loss()).toEqual({ reason: 'suspended', detail: 'no heartbeat' });
  trust.beat();
  expect(trust.loss()).toBeUndefined();
  trust.suspended('again');
  trust.resumed();
  expect(trust.loss()).toBeUndefined();
});

test('a machine that slept proves anew, though its monotonic clock stood still', () => {
  raise();
  clock.suspend(60_000);
  expect(trust.loss()?.reason).toBe('machine_slept');
  trust.proven('s1', trust.asking(), 8_000);
  expect(trust.loss()).toBeUndefined();
});

test('sleep between question and answer counts as well', () => {
  raise();
  const asked = trust.asking();
  clock.suspend(60_000);
  trust.proven('s1', asked, 8_000);
  expect(trust.loss()?.reason).toBe('machine_slept');
});

test('it is due at the nearer of deadline and beat', () => {
  raise(1_000);
  expect(trust.dueMs()).toBe(clock.monotonicMs() + 1_000);
  trust.proven('s1', trust.asking(), 8_000);
  expect(trust.dueMs()).toBe(clock.monotonicMs() + 1_500);
});
