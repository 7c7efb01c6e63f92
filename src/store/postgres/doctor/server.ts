// Checks of the server itself: its version, its role, and whether what it has said stays true after a crash or a failover.
import { type Finding, found, ok } from '../../finding.ts';
import { readBoolean, readNumber, readText, readTextList } from '../../sql/read.ts';
import { weakCommits } from '../client.ts';
import { isHidden } from '../migrate.ts';
import { ask, askOne, type Patient } from './patient.ts';

const oldestVersion = 140_000;

export async function checkServer(patient: Patient): Promise<Finding[]> {
  return [
    await version(patient),
    await role(patient),
    ...(await durability(patient)),
    await standbys(patient),
  ];
}

export async function isStandby(patient: Patient): Promise<boolean> {
  return readBoolean(await askOne(patient, 'select pg_is_in_recovery() as standby'), 'standby');
}

/** Of a primary. */
export async function checkHistory(patient: Patient): Promise<Finding> {
  try {
    const row = await askOne(
      patient,
      `select system_identifier::text as system, left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) as timeline from pg_control_system()`,
    );
    const [system, timeline] = [readText(row, 'system'), Number.parseInt(readText(row, 'timeline'), 16)];
    return ok('history', `system ${system}, timeline ${timeline}: agents open a new era when it is another`);
  } catch (error) {
    if (!isHidden(error)) throw error;
    return found(
      'history',
      'warning',
      'the server does not show its system identifier and timeline: eras are opened by hand',
      'grant execute on pg_control_system() and the WAL functions, or run streamhouse db fence --new-era after each promotion or restore',
    );
  }
}

async function version(patient: Patient): Promise<Finding> {
  const row = await askOne(
    patient,
    `select current_setting('server_version') as name, current_setting('server_version_num')::integer as number`,
  );
  const seen = `PostgreSQL ${readText(row, 'name')}`;
  if (readNumber(row, 'number') >= oldestVersion) return ok('server version', seen);
  return found('server version', 'fail', seen, 'upgrade to PostgreSQL 14 or later');
}

async function role(patient: Patient): Promise<Finding> {
  const row = await askOne(
    patient,
    `select current_setting('default_transaction_read_only')::boolean as read_only`,
  );
  if (await isStandby(patient)) {
    return found(
      'server role',
      'fail',
      'a standby: it only reads',
      'name the primary in the URL, or several hosts with target_session_attrs=read-write',
    );
  }
  if (readBoolean(row, 'read_only')) {
    return found(
      'server role',
      'fail',
      'transactions are read-only (default_transaction_read_only)',
      'set default_transaction_read_only = off for this role and database',
    );
  }
  return ok('server role', 'primary, writable');
}

async function durability(patient: Patient): Promise<Finding[]> {
  const row = await askOne(
    patient,
    `select current_setting('fsync') as fsync, current_setting('full_page_writes') as full_page_writes,
       (select reset_val from pg_settings where name = 'synchronous_commit') as synchronous_commit,
       array(select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where n.nspname = $1 and c.relkind = 'r' and c.relpersistence <> 'p' order by 1)::text[] as unlogged`,
    [patient.options.schema],
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
async function standbys(patient: Patient): Promise<Finding> {
  const names = readText(
    await askOne(patient, `select current_setting('synchronous_standby_names') as names`),
    'names',
  );
  const rows = await ask(
    patient,
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
