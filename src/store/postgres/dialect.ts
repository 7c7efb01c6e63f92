// PostgreSQL's words for what the shared statements leave open.
import { type SQL, sql } from 'drizzle-orm';
import { PgDialect } from 'drizzle-orm/pg-core';
import type { Dialect, ParameterType, TableName } from '../sql/dialect.ts';

const typeNames: Readonly<Record<ParameterType, string>> = {
  text: 'text',
  integer: 'integer',
  bigint: 'bigint',
  uuid: 'uuid',
  json: 'jsonb',
};

/** What `Dialect.history` is where the server's functions are allowed. The control file's timeline is behind for a while after a promotion. */
const shownHistory = sql`(select system_identifier::text as system_identifier,
    ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::bigint as timeline,
    (pg_current_wal_insert_lsn() - '0/0')::float8 as position
  from pg_control_system())`;

const hiddenHistory = sql`(select null::text as system_identifier, null::bigint as timeline, null::float8 as position)`;

/**
 * Of a time or an interval. In floating point, a third of the time that `extract` takes, which counts in `numeric`; exact all the same: rounded to
 * the microseconds that there are before they are cut.
 */
const wholeMs = (time: SQL): SQL => sql`floor(round(date_part('epoch', ${time}) * 1000000) / 1000)::float8`;

export interface PostgresDialectOptions {
  /** The server hides where its data come from. Default: it shows it. */
  readonly isHistoryHidden?: boolean;
}

export function postgresDialect(schema: string, options: PostgresDialectOptions = {}): Dialect {
  const pg = new PgDialect();
  const tableName = (name: TableName) => sql`${sql.identifier(schema)}.${sql.identifier(name)}`;
  const fence = sql`offset 0`;
  const cast = (name: string, type: string) => sql`${sql.placeholder(name)}::${sql.raw(type)}`;
  return {
    table: tableName,
    parameter: (name, type) => cast(name, typeNames[type]),
    // One array per column: a statement has at most 65,535 parameters, an array any number of elements.
    rows(name, columns) {
      const arrays = Object.entries(columns).map(([column, type]) =>
        cast(`${name}.${column}`, `${typeNames[type]}[]`),
      );
      const names = Object.keys(columns).map((column) => sql.identifier(column));
      const unnested = sql`unnest(${sql.join(arrays, sql`, `)}) as u(${sql.join(names, sql`, `)})`;
      return sql`(select * from ${unnested})`;
    },
    fence,
    lookUp(table, alias, on) {
      const name = sql.identifier(alias);
      return sql`cross join lateral (select ${name}.ctid, ${name}.* from ${tableName(table)} ${name} where ${on} ${fence}) ${name}`;
    },
    joinWhole: (rows, alias, on) => sql`full join ${rows} ${sql.identifier(alias)} on ${on}`,
    // By where they are: the snapshot that finds them is the one that changes them.
    isFound: (alias, _key, found) => sql`ctid = any(array(select ${sql.identifier(alias)}.ctid ${found}))`,
    now: sql`clock_timestamp()`,
    plusMs: (time, ms) => sql`(${time} + ${ms} * interval '1 millisecond')`,
    msBetween: (from, to) => wholeMs(sql`${to} - ${from}`),
    timeMs: wholeMs,
    greatest: (a, b) => sql`greatest(${a}, ${b})`,
    lock: (strength, of, wait) =>
      sql`for ${sql.raw(strength)} of ${sql.identifier(of)} ${sql.raw(wait ?? '')}`,
    history: options.isHistoryHidden === true ? hiddenHistory : shownHistory,
    // Of locks by one 64-bit key (objsubid 1), halved into two columns.
    heldLocks: sql`(select (classid::bigint << 32) | objid::bigint as key from pg_locks
      where locktype = 'advisory' and objsubid = 1 and granted
        and database = (select oid from pg_database where datname = current_database()))`,
    compile(statement: SQL, name?: string) {
      const { sql: text, params } = pg.sqlToQuery(statement);
      return { text: name === undefined ? text : `/* ${name} */ ${text}`, parameters: params };
    },
  };
}
