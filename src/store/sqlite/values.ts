// Values on their way to and from the driver, which by itself cuts texts at a NUL, rounds integers beyond 2^53 in silence,
// and ends the process over a boolean.
import { fillPlaceholders } from 'drizzle-orm';
import { Refusal } from '../../domain/refusal.ts';
import type { CompiledSql } from '../sql/dialect.ts';
import type { ParameterValue, ParameterValues, Row } from '../sql/statement.ts';

export type BoundValue = string | bigint | null;

/** The values of a statement in the order of its placeholders. Sets of rows travel as one JSON text. */
export function bindValues(compiled: CompiledSql, parameters: ParameterValues): BoundValue[] {
  const bound = Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [name, bindValue(name, value)]),
  );
  return fillPlaceholders([...compiled.parameters], bound) as BoundValue[];
}

function bindValue(name: string, value: ParameterValue): BoundValue {
  switch (typeof value) {
    case 'number':
      // As an integer: the driver binds numbers as floating point.
      if (Number.isSafeInteger(value)) return BigInt(value);
      throw cannotKeep(name, `${value} is no integer up to 2^53 − 1`);
    case 'string':
      if (value.includes('\0')) throw cannotKeep(name, 'a text must not contain the character NUL');
      return value;
    default:
      return value === null ? null : bindRows(name, value);
  }
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

/** Fails rather than pass on a rounded integer: one beyond 2^53 − 1 shows, however it was rounded, as 2^53 or more. */
export function checkRow(row: Row): Row {
  for (const column in row) {
    const value = row[column];
    if (typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER) {
      throw new RangeError(`column ${column}: integer ${value} is beyond 2^53 − 1`);
    }
  }
  return row;
}
