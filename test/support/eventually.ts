// Waiting for a condition instead of sleeping for a guess: a test is as fast as the program and only
// a real failure pays the whole timeout.

import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';

export interface EventuallyOptions {
  /** How long to wait before giving up. Default 30 000. */
  readonly timeoutMs?: number;
  /** Pause between two looks. Default 20. */
  readonly everyMs?: number;
  /** What is waited for, in words, for the failure message. */
  readonly what?: string;
}

/** What a satisfied check returned: everything but the falsy answers that mean "not yet". */
export type Satisfied<T> = Exclude<T, false | 0 | '' | null | undefined | void>;

type Asked<T> = () => T | Promise<T>;

/** A check must answer: one that answers nothing (only `expect`s) belongs to `eventuallyHolds`. */
type Check<T> = [T] extends [never] ? Asked<T> : [T] extends [void] ? never : Asked<T>;

/**
 * Looks until the check returns something truthy, and returns that. A check that throws or answers with a
 * falsy value is looked at again; at the timeout the last error or answer is in the message.
 */
export async function eventually<T>(check: Check<T>, options: EventuallyOptions = {}): Promise<Satisfied<T>> {
  return poll(async () => {
    const value = await check();
    return isSatisfied(value) ? { value } : { refusal: `last answer: ${inspect(value)}` };
  }, options);
}

/** Runs the assertions until they no longer throw. */
export async function eventuallyHolds(
  assertions: () => unknown,
  options: EventuallyOptions = {},
): Promise<void> {
  await poll(async () => {
    await assertions();
    return { value: undefined };
  }, options);
}

function isSatisfied<T>(value: T): value is Satisfied<T> & T {
  return Boolean(value);
}

type Look<T> = { readonly value: T } | { readonly refusal: string };

async function poll<T>(look: () => Promise<Look<T>>, options: EventuallyOptions): Promise<T> {
  const { timeoutMs = 30_000, everyMs = 20, what = 'a condition' } = options;
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const { outcome, cause } = await attempt(look);
    if ('value' in outcome) return outcome.value;
    if (performance.now() >= deadline) {
      throw new Error(`waited ${timeoutMs} ms for ${what}; ${outcome.refusal}`, { cause });
    }
    await sleep(everyMs);
  }
}

async function attempt<T>(look: () => Promise<Look<T>>): Promise<{ outcome: Look<T>; cause?: unknown }> {
  try {
    return { outcome: await look() };
  } catch (error) {
    const text = error instanceof Error ? error.message : inspect(error);
    return { outcome: { refusal: `last error: ${text}` }, cause: error };
  }
}
