// Values on their way to and from the driver, which by itself cuts texts at a NUL, rounds integers beyond 2^53 in silence,
// and ends the process over a boolean.
import { is, Placeholder } from 'drizzle-orm';
import { Refusal } from '../../domain/refusal.ts';
import type { CompiledSql } from '../sql/dialect.ts';
import type { ParameterValue, ParameterValues, Row } from '../sql/statement.ts';

export type BoundValue = string | bigint | null;

/** The values of a statement in the order of its placeholders. Sets of rows travel as one JSON text. */
export function bindValues(compiled: CompiledSql, parameters: ParameterValues): BoundValue[] {
  const bound = new Map(Object.entries(parameters).map(([name, value]) => [name, bindValue(name, value)]));
  return compiled.parameters.map((placeholder) => {
    const value = is(placeholder, Placeholder) ? bound.get(placeholder.name) : undefined;
    // The driver would bind NULL where a value is missing.
    if (value === undefined)
      throw new Error('a statement was run without a value for each of its parameters');
    return value;
  });
}

function bindValue(name: string, value: ParameterValue): BoundValue {
  if (value === null) return null;
  if (typeof value === 'string') {
    if (value.includes('\0')) throw cannotKeep(name, 'a text must not contain the character NUL');
    return value;
  }
  if (typeof value === 'number') {
    // As an integer: the driver binds numbers as floating point.
    if (Number.isSafeInteger(value)) return BigInt(value);
    throw cannotKeep(name, `${value} is no integer up to 2^53 − 1`);
  }
  return bindRows(name, value);
}

/** In JSON a NUL is written `\u0000`; behind an odd number of backslashes that is a text about backslashes. */
const nulInJson = /(?<!\\)(?:\\\\)*\\u0000/;

function bindRows(name: string, rows: Exclude<ParameterValue, string | number | null>): string {
  const json = JSON.stringify(rows);
  if (nulInJson.test(json)) throw cannotKeep(name, 'a text must not contain the character NUL');
  return json;
}

function cannotKeep(name: string, why: string): Refusal {
  return new Refusal('invalid', `the store cannot keep this value (${name}): ${why}`);
}

/**
 * A row as the driver gives it. Fails rather than pass on a rounded integer: one beyond 2^53 − 1 shows, however it was rounded,
 * as 2^53 or more.
 */
export function readRow(given: unknown): Row {
  if (!isRow(given)) throw new TypeError('the driver gave a row that is none');
  for (const column in given) {
    const value = given[column];
    if (typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER) {
      throw new RangeError(`column ${column}: integer ${value} is beyond 2^53 − 1`);
    }
  }
  return given;
}

function isRow(given: unknown): given is Row {
  return typeof given === 'object' && given !== null;
}
