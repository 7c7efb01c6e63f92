// What a route looked up, or the refusal that it is not there.
import { Refusal } from '../domain/refusal.ts';

/** `what` names it: `topic "orders"`. */
export function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Refusal('not_found', `${what} does not exist`);
  return value;
}
