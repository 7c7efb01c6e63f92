// Whole numbers in requests: in JSON, and as text in paths and queries. Decimal digits only: no sign, space, exponent or hex.
import { z } from 'zod';
import { INTEGER_MAX } from '../../domain/limits.ts';

function rule(min: number, max: number): string {
  return `must be a whole number from ${min} to ${max}`;
}

/** A JSON number. */
export function whole(min: number, max: number) {
  const error = rule(min, max);
  return z.int(error).min(min, error).max(max, error);
}

/** The same as text. */
export function wholeText(min: number, max: number) {
  const error = rule(min, max);
  return z
    .string(error)
    .regex(/^\d{1,16}$/, error)
    .transform(Number)
    .pipe(whole(min, max));
}

/** Epochs, offsets, counts and sizes: 64-bit integers, as far as JSON carries them unchanged. */
export const integer = whole(0, INTEGER_MAX);
export const integerText = wholeText(0, INTEGER_MAX);

/** A flag in a query; spelt out, because one of them ends a live agent's session. */
export const flag = z
  .enum(['true', 'false'], 'must be true or false')
  .transform((text) => text === 'true')
  .default(false);
