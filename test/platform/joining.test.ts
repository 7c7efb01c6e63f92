// What comes together goes together; each has its own answer, its place, and its own troubles.
import { expect, test } from 'vitest';
import { Joining, type JoinedWork, type JoiningLimits } from '../../src/platform/joining.ts';
import { Lanes } from '../../src/platform/lanes.ts';
import { eventually } from '../support/eventually.ts';

/** Of a thing; what it is to come to. */
interface Item {
  readonly of: string;
  readonly name: string;
}

const item = (of: string, name = of): Item => ({ of, name });

class Poison extends Error {}

/** Requests that wait until they are let go. What is named `locked` is left to go apart; `poison` spoils its request. */
class Desk {
  /** What was asked for, in order: together `a b`, apart `(a)`. */
  readonly asked: string[] = [];
  readonly gates = new Map<string, () => void>();
  readonly joining: Joining<Item, string>;
  private readonly lanes: Lanes;

  constructor(limits: Partial<JoiningLimits> = {}, work: Partial<JoinedWork<Item, string>> = {}) {
    this.lanes = new Lanes({ count: 1, late: () => new Error('late') });
    this.joining = new Joining<Item, string>(
      {
        keysOf: ({ of }) => [of],
        weightOf: () => 1,
        sharesKeys: false,
        together: (items) => this.together(items),
        apart: ({ name }) => this.lanes.run(() => this.apart(name)),
        blamesAnItem: (error) => error instanceof Poison,
        ...work,
      },
      {
        atOnce: 1,
        weightMax: 100,
        waitingMax: 100,
        refuse: (why) => new Error(why),
        mayGoApart: () => false,
        atTurnsEnd: setImmediate,
        ...limits,
      },
    );
  }

  async letGo(what: string): Promise<void> {
    await eventually(() => this.gates.has(what), { everyMs: 1, what: `${what} to be asked` });
    this.gates.get(what)?.();
    this.gates.delete(what);
  }

  private async together(items: readonly Item[]): Promise<readonly (string | undefined)[]> {
    const names = items.map(({ name }) => name);
    await this.gate(names.join(' '));
    if (names.includes('poison')) throw new Poison();
    if (names.includes('failure')) throw new Error('away');
    return names.map((name) => (name.startsWith('locked') ? undefined : `${name} done`));
  }

  private async apart(name: string): Promise<string> {
    await this.gate(`(${name})`);
    if (name === 'poison') throw new Poison();
    return `${name} done apart`;
  }

  private gate(what: string): Promise<void> {
    this.asked.push(what);
    return new Promise((resolve) => this.gates.set(what, resolve));
  }
}

test('what comes in one turn is one request, and what comes meanwhile the next', async () => {
  const desk = new Desk();
  const first = [desk.joining.run(item('a')), desk.joining.run(item('b'))];
  await eventually(() => desk.gates.has('a b'), { everyMs: 1 });
  const second = [desk.joining.run(item('c')), desk.joining.run(item('d'))];
  await desk.letGo('a b');
  expect(await Promise.all(first)).toEqual(['a done', 'b done']);
  await desk.letGo('c d');
  expect(await Promise.all(second)).toEqual(['c done', 'd done']);
});

test('no more than the bound are under way, nor in one request', async () => {
  const desk = new Desk({ atOnce: 2, weightMax: 2 });
  const all = ['a', 'b', 'c', 'd', 'e'].map((of) => desk.joining.run(item(of)));
  await eventually(() => desk.gates.size === 2, { everyMs: 1 });
  expect(desk.asked).toEqual(['a b', 'c d']);
  for (const what of ['a b', 'c d', 'e']) await desk.letGo(what);
  expect(await Promise.all(all)).toHaveLength(5);
});

test('what concerns the same thing goes one behind the other, and holds nothing else up', async () => {
  const desk = new Desk({ atOnce: 3 });
  const all = ['a1', 'a2', 'b1', 'a3'].map((name) => desk.joining.run(item(name.charAt(0), name)));
  for (const what of ['a1 b1', 'a2', 'a3']) await desk.letGo(what);
  expect(await Promise.all(all)).toEqual(['a1 done', 'a2 done', 'b1 done', 'a3 done']);
  expect(desk.asked).toEqual(['a1 b1', 'a2', 'a3']);
});

test('what waits for a lock goes apart: the others are answered, and requests go on', async () => {
  const desk = new Desk();
  const locked = desk.joining.run(item('l', 'locked'));
  const other = desk.joining.run(item('a'));
  await desk.letGo('locked a');
  expect(await other).toBe('a done');
  const behind = desk.joining.run(item('l', 'behind'));
  const next = desk.joining.run(item('b'));
  await desk.letGo('b');
  expect(await next).toBe('b done');
  expect(desk.asked).toEqual(['locked a', '(locked)', 'b']);
  await desk.letGo('(locked)');
  expect(await locked).toBe('locked done apart');
  await desk.letGo('behind');
  expect(await behind).toBe('behind done');
});

test('one that spoils a request fails alone, and the order of what shares a key stays', async () => {
  const desk = new Desk({}, { sharesKeys: true });
  const names = ['locked 1', 'poison', 'a'];
  const all = Promise.allSettled([
    ...names.map((name) => desk.joining.run(item(name.charAt(0), name))),
    desk.joining.run(item('l', 'behind')),
  ]);
  await desk.letGo('locked 1 poison a behind');
  await desk.letGo('locked 1 poison');
  await desk.letGo('locked 1');
  await desk.letGo('poison');
  await desk.letGo('a');
  await desk.letGo('(locked 1)');
  await desk.letGo('(poison)');
  await desk.letGo('(behind)');
  expect(await all).toMatchObject([
    { value: 'locked 1 done apart' },
    { status: 'rejected', reason: expect.any(Poison) },
    { value: 'a done' },
    { value: 'behind done apart' },
  ]);
});

test('a request that fails as a whole fails for all of it, and for nobody else', async () => {
  const desk = new Desk();
  const all = Promise.allSettled([desk.joining.run(item('a')), desk.joining.run(item('failure'))]);
  await eventually(() => desk.gates.size === 1, { everyMs: 1 });
  const after = desk.joining.run(item('b'));
  await desk.letGo('a failure');
  await desk.letGo('b');
  expect((await all).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await after).toBe('b done');
});

test('what comes by itself goes apart at once', async () => {
  const desk = new Desk({ mayGoApart: () => true });
  const alone = desk.joining.run(item('a'));
  await desk.letGo('(a)');
  expect(await alone).toBe('a done apart');
});

test('too many are refused at once, and who waits too long is refused without being asked for', async () => {
  const desk = new Desk({ waitingMax: 2, patienceMs: 20 });
  const first = desk.joining.run(item('a'));
  await eventually(() => desk.gates.has('a'), { everyMs: 1 });
  const waiting = [desk.joining.run(item('b')), desk.joining.run(item('c'))];
  await expect(desk.joining.run(item('d'))).rejects.toThrow('too many');
  const ends = await Promise.allSettled(waiting);
  expect(ends).toMatchObject([{ reason: { message: 'too late' } }, { reason: { message: 'too late' } }]);
  await desk.letGo('a');
  expect(await first).toBe('a done');
  expect(desk.asked).toEqual(['a']);
});
