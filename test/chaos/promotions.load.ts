// Failovers that lose grants, in their long form; prints each and a summary.
import { expect, test } from 'vitest';
import { type Promotion, PromotionStage } from './promotions.ts';
import { loadArguments, say } from '../load/load-arguments.ts';

test('no epoch is given out twice over many promotions', async () => {
  const { promotions: count } = loadArguments();
  await using stage = await PromotionStage.set();
  const seen: Promotion[] = [];
  for (let i = 0; i < count; i += 1) {
    const promotion = await stage.promote();
    seen.push(promotion);
    const { era, timeline, lostGrants, staleWrites, ledAfterMs, violations } = promotion;
    say(
      `promotion ${i + 1}: era ${era}, timeline ${timeline}, ${lostGrants} grants lost, ${staleWrites} stale writes refused, all led ${(ledAfterMs / 1_000).toFixed(1)} s later${violations.map((each) => `; ${each}`).join('')}`,
    );
  }
  const took = seen.map(({ ledAfterMs }) => ledAfterMs).toSorted((a, b) => a - b);
  const violations = seen.flatMap((each) => each.violations);
  say(
    `${count} promotions: ${violations.length} violations; all led after ${((took[Math.floor(count / 2)] ?? 0) / 1_000).toFixed(1)} s in the middle, ${((took.at(-1) ?? 0) / 1_000).toFixed(1)} s at most`,
  );
  expect(violations).toEqual([]);
});
