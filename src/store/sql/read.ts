// Reading rows: the same value types from both drivers, or a crash that names the column.
import type { JsonObject } from '../../domain/topic.ts';
import type { Row } from './statement.ts';

export function readText(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== 'string') throw new TypeError(`column ${column}: expected text, got ${typeof value}`);
  return value;
}

export function readTextOrNull(row: Row, column: string): string | null {
  return row[column] === null || row[column] === undefined ? null : readText(row, column);
}

export function readNumber(row: Row, column: string): number {
  const value = row[column];
  if (typeof value !== 'number')
    throw new TypeError(`column ${column}: expected a number, got ${typeof value}`);
  return value;
}

export function readNumberOrNull(row: Row, column: string): number | null {
  return row[column] === null || row[column] === undefined ? null : readNumber(row, column);
}

/** Booleans: PostgreSQL gives them as such, SQLite as 0 or 1. */
export function readBoolean(row: Row, column: string): boolean {
  return Boolean(row[column]);
}

/** Times travel as milliseconds since 1970. */
export function readTime(row: Row, column: string): Date {
  return new Date(readNumber(row, column));
}

export function readTimeOrNull(row: Row, column: string): Date | null {
  const ms = readNumberOrNull(row, column);
  return ms === null ? null : new Date(ms);
}

/** JSON: PostgreSQL gives the parsed value, SQLite its text. */
function readJson(row: Row, column: string): unknown {
  const value = row[column];
  return typeof value === 'string' ? (JSON.parse(value) as unknown) : value;
}

export function readJsonObject(row: Row, column: string): JsonObject {
  const value = readJson(row, column);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TypeError(`column ${column}: expected a JSON object`);
  }
  return { ...value };
}

/** One of a closed set of texts, which a CHECK of the schema keeps. */
export function readOneOfOrNull<T extends string>(row: Row, column: string, values: readonly T[]): T | null {
  const text = readTextOrNull(row, column);
  if (text === null) return null;
  const found = values.find((value) => value === text);
  if (found === undefined) throw new TypeError(`column ${column}: unexpected "${text}"`);
  return found;
}

export function readOneOf<T extends string>(row: Row, column: string, values: readonly T[]): T {
  const found = readOneOfOrNull(row, column, values);
  if (found === null) throw new TypeError(`column ${column}: unexpected null`);
  return found;
}

export function readTextList(row: Row, column: string): string[] {
  const value = readJson(row, column);
  if (!Array.isArray(value)) throw new TypeError(`column ${column}: expected a JSON array`);
  return value.map(String);
}
