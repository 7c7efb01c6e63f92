// A failover that lost grants, noticed by the agents themselves; the long form is `npm run chaos -- --promotions 50`.
import { expect, test } from 'vitest';
import { PromotionStage } from '../chaos/promotions.ts';
import { hasPostgres } from '../support/postgres-binaries.ts';

test.runIf(hasPostgres(16))(
  'a promoted standby that misses grants gets a new era, and none of them is given out again',
  async () => {
    await using stage = await PromotionStage.set();
    const promotion = await stage.promote();
    expect(promotion).toMatchObject({ era: 2, timeline: 2, violations: [] });
  },
);
