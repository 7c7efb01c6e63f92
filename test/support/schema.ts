// One PostgreSQL schema per test: tests share a server and run side by side without seeing each other.

import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { onTestFinished } from 'vitest';

/** A fresh lower-case schema name that needs no quoting, such as `t_9f2c41d07ab3e658`. */
export function freshSchemaName(): string {
  return `t_${randomBytes(8).toString('hex')}`;
}

/** Removes the schema and all it holds; fails after 20 s if a forgotten transaction still locks it. */
export async function dropSchema(url: string, schema: string): Promise<void> {
  const client = new Client({ connectionString: url, statement_timeout: 20_000 });
  client.on('error', () => undefined); // a server that dies meanwhile rejects the query as well
  await client.connect();
  try {
    await client.query(`drop schema if exists ${client.escapeIdentifier(schema)} cascade`);
  } finally {
    await client.end();
  }
}

/** A schema for the test that runs, and a look into it; gone when the test is over. */
export async function schemaOfTest(url: string): Promise<{ schema: string; client: Client }> {
  const schema = freshSchemaName();
  const client = new Client({ connectionString: url, options: `-c search_path=${schema}` });
  client.on('error', () => undefined);
  await client.connect();
  onTestFinished(async () => {
    await client.end();
    await dropSchema(url, schema);
  });
  return { schema, client };
}
