// What the page makes of two reads of the leases, without a browser.
import { describe, expect, test } from 'vitest';
import { leaseSentences } from '../../src/console/model/happenings.ts';
import { compareLeases, leaseTable } from '../../src/console/model/leases.ts';
import type { LeaseAnswer } from '../../src/http/schemas/answers/leases.ts';

function lease(topic: string, partition: number, agentId: string | null, epoch: number): LeaseAnswer {
  return { topic, partition, agentId, address: null, epoch, acquiredAt: null, expiresInMs: null };
}

function happened(before: readonly LeaseAnswer[], after: readonly LeaseAnswer[]): string[] {
  return leaseSentences(compareLeases(leaseTable(before), leaseTable(after)));
}

describe('two reads of the leases', () => {
  const before = [lease('orders', 0, 'broker-1', 4), lease('orders', 1, null, 5)];

  test.each<[string, readonly LeaseAnswer[], readonly string[]]>([
    ['nothing', before, []],
    [
      'a takeover',
      [lease('orders', 0, 'broker-2', 7), before[1] ?? never()],
      ['orders/0: broker-1 → broker-2 (epoch 7)'],
    ],
    [
      'a vacancy',
      [lease('orders', 0, null, 4), before[1] ?? never()],
      ['orders/0: broker-1 → nobody (epoch 4)'],
    ],
    [
      'a first term',
      [before[0] ?? never(), lease('orders', 1, 'broker-2', 6)],
      ['orders/1: nobody → broker-2 (epoch 6)'],
    ],
    [
      'another term of the same leader',
      [lease('orders', 0, 'broker-1', 6), before[1] ?? never()],
      ['orders/0: broker-1 again, a new term (epoch 6)'],
    ],
    ['a topic', [lease('a', 0, 'broker-1', 1), ...before], ['topic a created with 1 partition']],
    ['growth', [...before, lease('orders', 2, null, 0)], ['topic orders grew from 2 to 3 partitions']],
    ['a deletion', [], ['topic orders deleted']],
  ])('tell of %s', (_what, after, sentences) => {
    expect(happened(before, after)).toEqual(sentences);
  });

  test('tell of thousands alike in one sentence, and of few others beside them', () => {
    const all = Array.from({ length: 10_000 }, (_, partition) => lease('orders', partition, 'broker-1', 1));
    const moved = all.map((each) =>
      lease(each.topic, each.partition, each.partition === 9_999 ? 'broker-3' : 'broker-2', 2),
    );
    expect(happened(all, moved)).toEqual([
      '9999 partitions: broker-1 → broker-2 (orders/0, orders/1, orders/2, …)',
      'orders/9999: broker-1 → broker-3 (epoch 2)',
    ]);
  });
});

function never(): never {
  throw new Error('the list is shorter than written above');
}
