// Readers at their own pace: everything in order as long as it is kept, and the truth about what is not.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { AgentEvent } from '../../src/coordination/agent-events.ts';
import { EventJournal } from '../../src/coordination/event-journal.ts';

function generation(n: number): AgentEvent {
  return { type: 'assignment.changed', generation: n };
}

test('a reader that keeps up, at whatever pace, sees every event once and in order', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.array(fc.record({ appended: fc.nat(5), read: fc.nat(7) }), { maxLength: 60 }),
      (capacity, steps) => {
        const journal = new EventJournal({ capacity });
        let appended = 0;
        let read = 0;
        for (const step of steps) {
          const events = Array.from({ length: step.appended }, (_, i) => generation(appended + i + 1));
          journal.append('s', events);
          appended += step.appended;
          expect(journal.last).toBe(appended);
          const entries = journal.after(read, step.read);
          if (appended - read > capacity) {
            expect(entries).toBeUndefined();
            read = journal.last;
            continue;
          }
          expect(entries?.map(({ n }) => n)).toEqual(
            Array.from({ length: Math.min(step.read, appended - read) }, (_, i) => read + i + 1),
          );
          expect(
            entries?.every(({ n, event }) => event.type === 'assignment.changed' && event.generation === n),
          ).toBe(true);
          read += entries?.length ?? 0;
        }
      },
    ),
  );
});

test('a number that is yet to come is unknown', () => {
  const journal = new EventJournal({ capacity: 4 });
  journal.append('s', [generation(1)]);
  expect(journal.after(1, 10)).toEqual([]);
  expect(journal.after(2, 10)).toBeUndefined();
});

test('listeners hear of an append in its turn, and not after they have stopped', () => {
  const journal = new EventJournal({ capacity: 4 });
  let heard = 0;
  const stop = journal.onAppend(() => {
    heard += 1;
  });
  journal.append('s', [generation(1), generation(2)]);
  journal.append('s', []);
  expect(heard).toBe(1);
  stop();
  journal.append('s', [generation(3)]);
  expect(heard).toBe(1);
});
