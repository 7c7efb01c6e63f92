// Who remembers what he read is told of changes, and where nobody does nobody tells.
import { expect, test } from 'vitest';
import { Interest } from '../../src/signals/interest.ts';

/** Agents that all hear each other at once, on a clock that is set by hand. */
class Group {
  nowMs = 1_000_000;
  announced = 0;
  readonly members: Interest[];

  constructor(size: number) {
    this.members = Array.from({ length: size }, () => {
      const interest: Interest = new Interest({
        clock: { monotonicMs: () => this.nowMs },
        random: Math.random,
        announce: () => {
          this.announced += 1;
          for (const other of this.members) if (other !== interest) other.heard();
        },
      });
      return interest;
    });
    for (const member of this.members) member.connected();
    // What an agent that was just connected cannot know is over.
    this.nowMs += 60_000;
  }

  telling(): number {
    return this.members.filter((member) => member.isLikely).length;
  }
}

test('where nobody remembers, nobody tells', () => {
  const group = new Group(5);
  expect(group.telling()).toBe(0);
  expect(group.announced).toBe(0);
});

test('one who remembers makes all tell, itself as well, and remembers nothing before they can have heard', () => {
  const group = new Group(5);
  const [one] = group.members;
  expect(one?.want()).toBe(false);
  expect(group.telling()).toBe(5);
  group.nowMs += 99;
  expect(one?.want()).toBe(false);
  group.nowMs += 1;
  expect(one?.want()).toBe(true);
  // For an agent that heard of it long ago there is nothing to wait for.
  expect(group.members[1]?.want()).toBe(true);
  expect(group.announced).toBe(1);
});

test('a hundred who remember say so as often as one does', () => {
  const group = new Group(100);
  for (let second = 0; second < 100; second++) {
    for (const member of group.members) member.want();
    group.nowMs += 1_000;
  }
  expect(group.announced).toBeGreaterThanOrEqual(100 / 15);
  expect(group.announced).toBeLessThanOrEqual(100 / 10 + 1);
  expect(group.telling()).toBe(100);
});

test('two that are lost of what is said do no harm; when nobody remembers any more all fall silent, and to remember is to begin anew', () => {
  const group = new Group(2);
  const [one] = group.members;
  one?.want();
  group.nowMs += 29_999;
  expect(group.telling()).toBe(2);
  group.nowMs += 1;
  expect(group.telling()).toBe(0);
  expect(one?.want()).toBe(false);
  expect(group.telling()).toBe(2);
  group.nowMs += 100;
  expect(one?.want()).toBe(true);
});

test('who was deaf tells for a while, whoever may remember, and says anew that it would itself', () => {
  const group = new Group(2);
  const [one, other] = group.members;
  one?.want();
  group.nowMs += 29_000;
  other?.connected();
  group.nowMs += 15_000;
  expect([one?.isLikely, other?.isLikely]).toEqual([false, true]);
  expect(other?.want()).toBe(false);
  expect(one?.isLikely).toBe(true);
});
