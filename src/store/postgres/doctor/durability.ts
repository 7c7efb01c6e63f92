// What the guarantees of the store assume and a server may be set otherwise: that a commit which was answered stays, also after a crash or
// a failover. Looked at by `db doctor`, and by agents when they start and when the primary is another.
import { type Finding, found, ok } from '../../finding.ts';
import { readBoolean, readText, readTextList } from '../../sql/read.ts';
import { weakCommits } from '../client.ts';
import type { Ask } from '../connect.ts';

export async function checkDurability(ask: Ask, schema: string): Promise<Finding[]> {
  return [...(await settings(ask, schema)), await standbys(ask)];
}

async function settings(ask: Ask, schema: string): Promise<Finding[]> {
  const [row = {}] = await ask(
    `select current_setting('fsync') as fsync, current_setting('full_page_writes') as full_page_writes,
       (select reset_val from pg_settings where name = 'synchronous_commit') as synchronous_commit,
       array(select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where n.nspname = $1 and c.relkind = 'r' and c.relpersistence <> 'p' order by 1)::text[] as unlogged`,
    [schema],
  );
  const unlogged = readTextList(row, 'unlogged');
  const commit = readText(row, 'synchronous_commit');
  return [
    readText(row, 'fsync') === 'on'
      ? ok('fsync', 'on')
      : found(
          'fsync',
          'fail',
          'off: a crash of the machine loses grants, and epochs repeat',
          'set fsync = on',
        ),
    readText(row, 'full_page_writes') === 'on'
      ? ok('full_page_writes', 'on')
      : found(
          'full_page_writes',
          'warning',
          'off: a crash may tear pages, unless the file system never does',
          'set full_page_writes = on',
        ),
    weakCommits.includes(commit)
      ? found(
          'synchronous_commit',
          'note',
          `${commit}: agents ask for "on" themselves, other programs do not`,
          'nothing for agents; set it to on if others write to this database',
        )
      : ok('synchronous_commit', commit),
    unlogged.length === 0
      ? ok('logged tables', 'all')
      : found(
          'logged tables',
          'fail',
          `unlogged, empty after a crash: ${unlogged.join(', ')}`,
          unlogged.map((table) => `ALTER TABLE ${table} SET LOGGED`).join('; '),
        ),
  ];
}

/** Without the right to see replication, rows come without their states. */
async function standbys(ask: Ask): Promise<Finding> {
  const [asked = {}] = await ask(`select current_setting('synchronous_standby_names') as names`);
  const names = readText(asked, 'names');
  const rows = await ask(
    `select coalesce(application_name, '?') || ' (' || coalesce(sync_state, 'state not shown') || ')' as name,
       coalesce(sync_state, 'async') in ('sync', 'quorum') as is_sync from pg_stat_replication
     where state is distinct from 'backup'`,
  );
  const seen = rows.map((row) => readText(row, 'name')).join(', ');
  if (names === '' && rows.length > 0) {
    return found(
      'replication',
      'warning',
      `asynchronous standbys: ${seen}. Promoting one may lose the last commits; see "history" for what then happens to epochs`,
      'set synchronous_standby_names',
    );
  }
  if (names !== '' && !rows.some((row) => readBoolean(row, 'is_sync'))) {
    return found(
      'replication',
      'warning',
      `synchronous_standby_names is "${names}", and no such standby is connected: every commit waits`,
      'start the standby, or take its name out',
    );
  }
  return ok('replication', rows.length === 0 ? 'no standbys' : `synchronous: ${seen}`);
}
