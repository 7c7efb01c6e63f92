// The local deadline of trust lies before the database's own expiry, whatever the answer took.
import { expect, test } from 'vitest';
import { trustedUntilMs } from '../../src/domain/session.ts';

test('trust ends a margin before the TTL, counted from the sending', () => {
  expect(trustedUntilMs(50_000, { ttlMs: 10_000, trustMarginMs: 2_000 })).toBe(58_000);
});
