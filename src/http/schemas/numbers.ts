// Whole numbers in requests and answers: in JSON, and as text in paths and queries. Decimal digits only: no sign, space,
// exponent or hex.
import { z } from 'zod';
import { INTEGER_MAX } from '../../domain/limits.ts';
import { shownAs } from './shown-as.ts';

const int32Max = 2 ** 31 - 1;

function rule(min: number, max: number): string {
  return `must be a whole number from ${min} to ${max}`;
}

/** What generated clients must make of it: beyond 2^31 a 32-bit type would fail on the first epoch. */
function formatOf(max: number): 'int32' | 'int64' {
  return max > int32Max ? 'int64' : 'int32';
}

/** A JSON number. */
export function whole(min: number, max: number) {
  const error = rule(min, max);
  return z
    .int(error)
    .min(min, error)
    .max(max, error)
    .meta({ format: formatOf(max) });
}

/** The same as text. */
export function wholeText(min: number, max: number) {
  const error = rule(min, max);
  return z
    .string(error)
    .regex(/^\d{1,16}$/, error)
    .transform(Number)
    .pipe(whole(min, max))
    .register(shownAs, { type: 'integer', minimum: min, maximum: max, format: formatOf(max) });
}

/** Epochs, offsets, counts and sizes: 64-bit integers, as far as JSON carries them unchanged. */
export const integer = whole(0, INTEGER_MAX);
export const integerText = wholeText(0, INTEGER_MAX);

export const epoch = integer.meta({
  description:
    "The fencing token of one term of a lease: every grant's is higher than all before it. Always 64 bits: on PostgreSQL epochs begin at 2^32.",
});

/** A flag in a query; spelt out, because one of them ends a live agent's session. */
export const flag = z
  .enum(['true', 'false'], 'must be true or false')
  .transform((text) => text === 'true')
  .register(shownAs, { type: 'boolean' })
  .default(false);
