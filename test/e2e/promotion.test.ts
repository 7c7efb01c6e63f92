// A failover that lost grants, noticed by the agents themselves; the long form is `npm run chaos -- --promotions 50`.
import { describe, expect, test } from 'vitest';
import { PromotionStage } from '../chaos/promotions.ts';
import { hasPostgres } from '../support/postgres-binaries.ts';

// Where the server cannot be had, the closing line says so for all that need it.
describe.each(([16] as const).filter(hasPostgres))('on PostgreSQL %i', () => {
  test('a promoted standby that misses grants gets a new era, and none of them is given out again', async () => {
    await using stage = await PromotionStage.set();
    const promotion = await stage.promote();
    expect(promotion).toMatchObject({ era: 2, timeline: 2, violations: [] });
  });
});
