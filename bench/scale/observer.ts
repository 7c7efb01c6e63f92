// What the database itself shows, on a connection of the bench's own.
import pg from 'pg';
import { eventually } from '../../test/support/eventually.ts';

export interface DatabaseLook {
  /** Since the server began; the server's counters come late by a second or so. */
  readonly transactions: number;
  /** Inserted, updated and deleted since then, by table. */
  readonly rowsWritten: Readonly<Record<string, number>>;
  readonly deadRows: number;
  readonly walBytes: number;
  readonly connections: number;
  /** Since the server began. */
  readonly connectionsOpened: number;
}

const takeoverLookMs = 10;
const lookMs = 250;
const patienceMs = 1_800_000;

export class Observer implements AsyncDisposable {
  private readonly client: pg.Client;

  private constructor(client: pg.Client) {
    this.client = client;
  }

  static async open(url: string, schema: string): Promise<Observer> {
    const client = new pg.Client({
      connectionString: url,
      application_name: 'bench',
      options: `-c search_path=${schema}`,
    });
    await client.connect();
    return new Observer(client);
  }

  async look(): Promise<DatabaseLook> {
    const [whole] = await this.rows<{
      transactions: string;
      wal: string;
      connections: number;
      opened: number;
    }>(
      `select (select xact_commit + xact_rollback from pg_stat_database where datname = current_database()) as transactions,
         (select sessions::integer from pg_stat_database where datname = current_database()) as opened,
         pg_current_wal_insert_lsn() - '0/0' as wal,
         (select count(*)::integer from pg_stat_activity where application_name like 'streamhouse%') as connections`,
    );
    const tables = await this.rows<{ table: string; written: string; dead: string }>(
      `select relname as table, n_tup_ins + n_tup_upd + n_tup_del as written, n_dead_tup as dead
       from pg_stat_user_tables where schemaname = current_schema`,
    );
    return {
      transactions: Number(whole?.transactions),
      walBytes: Number(whole?.wal),
      connections: whole?.connections ?? 0,
      connectionsOpened: whole?.opened ?? 0,
      rowsWritten: Object.fromEntries(tables.map(({ table, written }) => [table, Number(written)])),
      deadRows: tables.reduce((sum, { dead }) => sum + Number(dead), 0),
    };
  }

  /** Resolves when so many partitions are led by live sessions. */
  async untilLed(partitions: number): Promise<void> {
    await eventually(
      async () => {
        const [row] = await this.rows<{ led: number }>(
          `select count(*)::integer as led from leases l join sessions s using (session_id)
           where l.kind = 'partition' and s.ended_at is null`,
        );
        return row?.led === partitions;
      },
      { everyMs: lookMs, timeoutMs: patienceMs, what: `${partitions} partitions to be led` },
    );
  }

  /** Resolves when the sessions of these agents have ended. */
  async untilEnded(agentIds: readonly string[]): Promise<void> {
    await eventually(
      async () => {
        const [row] = await this.rows<{ live: number }>(
          `select count(*)::integer as live from sessions where ended_at is null and agent_id = any($1)`,
          [agentIds],
        );
        return row?.live === 0;
      },
      { everyMs: takeoverLookMs, timeoutMs: patienceMs, what: 'the killed sessions to be ended' },
    );
  }

  /**
   * Waits until no lease names a session of these agents, which have ended; answers how long that was from the first such end on, by the database's clock,
   * milliseconds. Next to nothing to ask, unlike counting all leases.
   */
  async takeoverMs(agentIds: readonly string[]): Promise<number> {
    const { ms } = await eventually(
      async () => {
        const [row] = await this.rows<{ ms: number; left: boolean }>(
          `select (extract(epoch from clock_timestamp() - min(s.ended_at)) * 1000)::float8 as ms,
             bool_or(exists (select from leases l where l.session_id = s.session_id)) as left
           from sessions s where s.agent_id = any($1) and s.end_reason = 'reaped'
             and not exists (select 1 from sessions later where later.agent_id = s.agent_id and later.registered_at > s.registered_at)`,
          [agentIds],
        );
        return row?.left === false && row;
      },
      { everyMs: takeoverLookMs, timeoutMs: patienceMs, what: 'all leases of ended sessions to be taken' },
    );
    return ms;
  }

  /** Of every lease by its name. */
  async epochs(): Promise<ReadonlyMap<string, number>> {
    const rows = await this.rows<{ lease: string; epoch: string }>(
      `select kind || ' ' || name || '/' || partition as lease, epoch from leases`,
    );
    return new Map(rows.map(({ lease, epoch }) => [lease, Number(epoch)]));
  }

  async coordinator(): Promise<string | undefined> {
    const [row] = await this.rows<{ agent: string }>(
      `select s.agent_id as agent from leases l join sessions s using (session_id)
       where l.kind = 'role' and s.ended_at is null`,
    );
    return row?.agent;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.end();
  }

  private async rows<T extends pg.QueryResultRow>(
    text: string,
    values: readonly unknown[] = [],
  ): Promise<readonly T[]> {
    return (await this.client.query<T>(text, [...values])).rows;
  }
}
