// The checks of what is typed, before anything is sent: each mistake is named where it was made, with what would be right.
import { InvalidArgumentError } from 'commander';
import { INTEGER_MAX, NAME_PATTERN, PARTITION_COUNT_MAX } from '../domain/limits.ts';

export interface PartitionRef {
  readonly topic: string;
  readonly partition: number;
}

const nameRule =
  'It must be 1 to 249 characters out of A-Z, a-z, 0-9, ".", "_" and "-", and neither "." nor "..".';

/** A name of a topic, an agent or a group. */
export function parseName(text: string): string {
  if (!NAME_PATTERN.test(text)) throw new InvalidArgumentError(nameRule);
  return text;
}

/** `orders/3`, the form in which every command takes a partition. */
export function parsePartitionRef(text: string): PartitionRef {
  const slash = text.lastIndexOf('/');
  if (slash < 0) throw new InvalidArgumentError('It must be TOPIC/PARTITION, such as orders/3.');
  const topic = text.slice(0, slash);
  if (!NAME_PATTERN.test(topic)) throw new InvalidArgumentError(`Its topic is not a name. ${nameRule}`);
  const partition = wholeNumber(text.slice(slash + 1), 0, PARTITION_COUNT_MAX - 1);
  if (partition === undefined) {
    throw new InvalidArgumentError(
      `Its partition must be a whole number from 0 to ${PARTITION_COUNT_MAX - 1}, as in orders/3.`,
    );
  }
  return { topic, partition };
}

export function parsePartitionCount(text: string): number {
  return parseWholeNumber(text, 1, PARTITION_COUNT_MAX);
}

export function parseOffset(text: string): number {
  return parseWholeNumber(text, 0, INTEGER_MAX);
}

export function parseEpoch(text: string): number {
  return parseWholeNumber(text, 0, INTEGER_MAX);
}

/** Milliseconds that something is kept. For ever is not a number: it is to leave the option out. */
export function parseRetentionMs(text: string): number {
  return parseWholeNumber(text, 0, INTEGER_MAX);
}

/** A PostgreSQL schema: the server cuts longer names off without a word. */
export function parseSchema(text: string): string {
  if (!NAME_PATTERN.test(text) || text.length > 63) {
    throw new InvalidArgumentError('It must be 1 to 63 characters out of A-Z, a-z, 0-9, ".", "_" and "-".');
  }
  return text;
}

/** A PostgreSQL role: any name that the server keeps whole, without what would end a comment or a quoted block. */
export function parseRole(text: string): string {
  if (/^[^$\p{Cc}\p{Zl}\p{Zp}]+$/u.test(text) && Buffer.byteLength(text) <= 63) return text;
  throw new InvalidArgumentError('It must be 1 to 63 bytes, without "$" and control characters.');
}

/** Milliseconds that one renewal holds a candidacy. */
export function parseHold(text: string): number {
  return parseWholeNumber(text, 500, 300_000);
}

/** How many rows of a list: 0 would ask for nothing. */
export function parseLimit(text: string): number {
  return parseWholeNumber(text, 1, INTEGER_MAX);
}

function parseWholeNumber(text: string, min: number, max: number): number {
  const value = wholeNumber(text, min, max);
  if (value === undefined) {
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  }
  return value;
}

/** Digits alone: no sign, no exponent, no hexadecimal, no blanks, all of which `Number` would take. */
function wholeNumber(text: string, min: number, max: number): number | undefined {
  if (!/^\d+$/.test(text)) return undefined;
  const value = Number(text);
  return value >= min && value <= max ? value : undefined;
}
