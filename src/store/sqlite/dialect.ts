// SQLite's words for what the shared statements leave open.
import { type SQL, sql } from 'drizzle-orm';
import { SQLiteSyncDialect } from 'drizzle-orm/sqlite-core';
import type { Dialect } from '../sql/dialect.ts';

export function sqliteDialect(): Dialect {
  const sqlite = new SQLiteSyncDialect();
  return {
    table: (name) => sql`${sql.identifier(name)}`,
    // No casts: they would cut 1.5 to 1. Values are bound by what they are (values.ts), and STRICT tables check.
    parameter: (name) => sql`${sql.placeholder(name)}`,
    // One JSON text for any number of rows.
    rows(name, columns) {
      const fields = Object.keys(columns).map(
        (column) => sql`value ->> ${sql.raw(`'${column}'`)} as ${sql.identifier(column)}`,
      );
      return sql`(select ${sql.join(fields, sql`, `)} from json_each(${sql.placeholder(name)}))`;
    },
    fence: sql``,
    lookUp: (table, alias, on) => sql`cross join ${sql.identifier(table)} ${sql.identifier(alias)} on ${on}`,
    // Looks each up by an index: it knows no statistics that could be wrong.
    joinWhole: (rows, alias, on) => sql`left join ${rows} ${sql.identifier(alias)} on ${on}`,
    isFound(alias, key, found) {
      const columns = (of: string) => sql.raw(key.map((column) => `${of}${column}`).join(', '));
      return sql`(${columns('')}) in (select ${columns(`${alias}.`)} ${found})`;
    },
    // Rounded: seconds times 1,000 in floating point falls short of the millisecond as often as not.
    now: sql`cast(round(unixepoch('subsec') * 1000) as integer)`,
    plusMs: (time, ms) => sql`(${time} + ${ms})`,
    msBetween: (from, to) => sql`(${to} - ${from})`,
    timeMs: (time) => sql`${time}`,
    greatest: (a, b) => sql`max(${a}, ${b})`,
    // A write transaction has the file to itself.
    lock: () => sql``,
    // Nothing tells a file from a copy of it.
    history: sql`(select null as system_identifier, null as timeline, null as position)`,
    heldLocks: sql`(select null as key where false)`,
    compile(statement: SQL) {
      const { sql: text, params } = sqlite.sqlToQuery(statement);
      return { text, parameters: params };
    },
  };
}
