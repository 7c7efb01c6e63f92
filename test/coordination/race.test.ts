// One role's race, without an agent around it: no epoch is given twice, and nobody acts in a term that is being left.
import { beforeEach, describe, expect, test } from 'vitest';
import { Candidate } from '../../src/coordination/candidate.ts';
import { Race } from '../../src/coordination/race.ts';
import { ManualClock } from './manual-clock.ts';

const clock = new ManualClock();
const since = new Date(0);

let race: Race;
beforeEach(() => {
  race = new Race('x');
});

function enter(name: string): Candidate {
  const candidate = new Candidate(clock, 'x', name, { by: 'renewal', holdMs: 60_000 }, clock.monotonicMs());
  race.enter(candidate);
  return candidate;
}

test('a term that is found again after it was left is nobody’s', () => {
  const first = enter('one');
  enter('two');
  expect(race.begin(5, since)).toBe(first);
  race.leave(first);
  race.over();
  // As when the store names us still, from an attempt that we gave up on.
  expect(race.begin(5, since)).toBeUndefined();
  expect(race.tenure).toMatchObject({ is: 'leaving', epoch: 5, releaseAtMs: 0 });
});

test('a term that nobody wants is left at once', () => {
  expect(race.begin(5, since)).toBeUndefined();
  expect(race.tenure).toMatchObject({ is: 'leaving', releaseAtMs: 0, awaited: undefined });
});

test('a term goes to one candidate, however often it is found', () => {
  const first = enter('one');
  race.begin(5, since);
  expect(race.begin(6, since)).toBeUndefined();
  expect(race.tenure).toMatchObject({ is: 'led', epoch: 5, by: first });
});

test('a hold counts from when its request came, however late it is looked at', () => {
  const candidate = enter('one');
  const receivedMs = clock.monotonicMs();
  clock.jump(500);
  candidate.renew(60_500, receivedMs);
  expect(candidate.restMs()).toBe(60_000);
});

describe('a leader that was told to stop', () => {
  test('does not lead, and goes behind the others', () => {
    const [first, second] = [enter('one'), enter('two')];
    race.begin(5, since);
    race.standDown(1_000);
    expect(race.leads(first)).toBe(false);
    expect(race.awaits(first)).toBe(true);
    expect(race.candidates).toEqual([second, first]);
  });

  test('has its term released when it leaves, not when another does', () => {
    const [first, second] = [enter('one'), enter('two')];
    race.begin(5, since);
    race.standDown(1_000);
    race.leave(second);
    expect(race.tenure).toMatchObject({ releaseAtMs: 1_000 });
    race.leave(first);
    expect(race.tenure).toMatchObject({ releaseAtMs: 0 });
  });

  test('makes room only where no other candidate of its agent waits', () => {
    enter('one');
    race.begin(5, since);
    race.standDown(0);
    race.standBack(7_000);
    expect(race.notBeforeMs).toBe(7_000);
    race = new Race('x');
    enter('one');
    enter('two');
    race.begin(5, since);
    race.standDown(0);
    race.standBack(7_000);
    expect(race.notBeforeMs).toBe(0);
  });
});
