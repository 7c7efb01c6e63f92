// pg alone: a plain pool of the same size as the store's, prepared statements of the same names and texts, and nothing else.
import pg from 'pg';
import { poolMax } from '../stage/postgres.ts';
import type { Instead, Sent } from './sent.ts';

type Row = Readonly<Record<string, unknown>>;

export class Raw implements AsyncDisposable {
  private readonly pool: pg.Pool;

  constructor(url: string) {
    this.pool = new pg.Pool({ connectionString: url, max: poolMax });
    this.pool.on('error', () => undefined); // the server goes first
  }

  /** The statement for each of `rows`, in one go. */
  async ask(sent: Sent, rows?: readonly Instead[]): Promise<Row[]> {
    return (await this.pool.query<Row>(sent.for(rows))).rows;
  }

  /** All on one connection, as in a transaction. */
  async onOne<T>(work: (ask: Raw['ask']) => Promise<T>): Promise<T> {
    const client = await this.pool.connect();
    try {
      return await work(async (sent, rows) => (await client.query<Row>(sent.for(rows))).rows);
    } finally {
      client.release();
    }
  }

  /** For setting the scene, and for what is compared with no statement of ours. */
  async query(text: string, values: readonly unknown[] = [], name?: string): Promise<Row[]> {
    const { rows } = await this.pool.query<Row>({
      text,
      values: [...values],
      ...(name !== undefined && { name }),
    });
    return rows;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pool.end();
  }
}

export function numberIn(row: Row | undefined, column: string): number {
  const value = Number(row?.[column]);
  if (Number.isNaN(value)) throw new Error(`no number in column ${column}`);
  return value;
}
