// When an agent may believe that the broker beside it lives, and when it must not.
import { expect, test } from 'vitest';
import { BrokerWatch, type BrokerWatchOptions } from '../../src/coordination/broker-watch.ts';
import { recordingLogger } from './cluster.ts';
import { ManualClock } from './manual-clock.ts';

const options: BrokerWatchOptions = {
  graceMs: 2_000,
  healthIntervalMs: 1_000,
  healthFailuresMax: 3,
  required: false,
};

interface Scene extends AsyncDisposable {
  readonly clock: ManualClock;
  readonly watch: BrokerWatch;
  /** Down or not, at every change. */
  readonly told: boolean[];
  health: 'well' | 'ill';
}

function scene(more: Partial<BrokerWatchOptions> & { readonly asked?: boolean } = {}): Scene {
  const { asked = false, ...changed } = more;
  const clock = new ManualClock();
  const told: boolean[] = [];
  const made: { health: Scene['health'] } = { health: 'ill' };
  const askHealth = async (): Promise<void> => {
    if (made.health === 'ill') throw new Error('ill');
  };
  const watch = new BrokerWatch(
    { clock, log: recordingLogger([]), askHealth: asked ? askHealth : undefined },
    { ...options, ...changed },
  );
  watch.onChange(() => told.push(watch.down !== undefined));
  const stop = new AbortController();
  const running = watch.run(stop.signal);
  return Object.assign(made, {
    clock,
    watch,
    told,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
    },
  });
}

test('nobody ever attached and nothing to ask: not judged', async () => {
  await using it = scene();
  await it.clock.advance(3_600_000);
  expect(it.watch.down).toBeUndefined();
  expect(it.watch.isAttached).toBe(false);
});

test('a stream that ended and is back within the grace period changes nothing but the attachment', async () => {
  await using it = scene();
  const stream = it.watch.attach();
  await it.clock.advance(5_000);
  stream[Symbol.dispose]();
  expect(it.watch.isAttached).toBe(false);
  await it.clock.advance(1_999);
  expect(it.watch.down).toBeUndefined();
  it.watch.attach();
  await it.clock.advance(60_000);
  expect(it.watch.down).toBeUndefined();
  expect(it.told).toEqual([false, false, false]);
});

test('a broker that does not return within the grace period is down, until it attaches again', async () => {
  await using it = scene();
  it.watch.attach()[Symbol.dispose]();
  await it.clock.advance(2_000);
  expect(it.watch.down).toMatch(/did not return within 2000 ms/);
  await it.clock.advance(60_000);
  it.watch.attach();
  expect(it.watch.down).toBeUndefined();
  expect(it.told).toEqual([false, false, true, false]);
});

test('of two streams only the last to end counts, and ending one twice is ending it once', async () => {
  await using it = scene();
  const first = it.watch.attach();
  it.watch.attach();
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  await it.clock.advance(60_000);
  expect(it.watch.isAttached).toBe(true);
  expect(it.watch.down).toBeUndefined();
});

test('a broker that is asked counts as down before its first answer and after three failures in a row, not after two', async () => {
  await using it = scene({ asked: true });
  expect(it.watch.down).toMatch(/has not answered/);
  it.health = 'well';
  await it.clock.advance(1_000);
  expect(it.watch.down).toBeUndefined();
  it.health = 'ill';
  await it.clock.advance(2_000);
  it.health = 'well';
  await it.clock.advance(1_000);
  it.health = 'ill';
  await it.clock.advance(2_000);
  expect(it.watch.down).toBeUndefined();
  await it.clock.advance(1_000);
  expect(it.watch.down).toMatch(/failed 3 times in a row/);
  it.health = 'well';
  await it.clock.advance(1_000);
  expect(it.watch.down).toBeUndefined();
});

test('where a broker is required, nothing is led before the first has attached', async () => {
  await using it = scene({ required: true });
  expect(it.watch.down).toMatch(/no broker has attached yet/);
  it.watch.attach();
  expect(it.watch.down).toBeUndefined();
});

test('its state is shown in a word: whether it is attached, answers, is away, down, or was never heard of', async () => {
  await using it = scene();
  expect(it.watch.state).toBe('none');
  const stream = it.watch.attach();
  expect(it.watch.state).toBe('attached');
  stream[Symbol.dispose]();
  expect(it.watch.state).toBe('away');
  await it.clock.advance(2_000);
  expect(it.watch.state).toBe('down');
  await using other = scene({ asked: true });
  expect(other.watch.state).toBe('down');
  other.health = 'well';
  await other.clock.advance(1_000);
  expect(other.watch.state).toBe('answering');
});
