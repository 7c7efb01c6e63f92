// Checks of what keeps the server from cleaning up behind the heartbeats: under an old snapshot they slow down, each a little more.
import { type Finding, found, ok } from '../../finding.ts';
import { readNumber, readText } from '../../sql/read.ts';
import { ask, type Patient } from './patient.ts';

export async function checkOld(patient: Patient): Promise<Finding[]> {
  return [await transactions(patient), await preparedTransactions(patient), await slots(patient)];
}

async function transactions(patient: Patient): Promise<Finding> {
  const rows = await ask(
    patient,
    `select pid, coalesce(usename, '?') || ' ' || coalesce(nullif(application_name, ''), '?') || ', ' || coalesce(state, 'state not shown') as who,
       extract(epoch from (clock_timestamp() - xact_start))::float8 * 1000 as age_ms
     from pg_stat_activity where pid <> pg_backend_pid() and xact_start is not null
       and (backend_xmin is not null or backend_xid is not null or state like 'idle in transaction%')
     order by xact_start limit 1`,
  );
  const [row] = rows;
  if (row === undefined) return ok('oldest transaction', 'none');
  const age = readNumber(row, 'age_ms');
  const seen = `${Math.round(age)} ms: ${readText(row, 'who')}, pid ${readNumber(row, 'pid')}`;
  if (age < patient.options.oldMs) return ok('oldest transaction', seen);
  return found(
    'oldest transaction',
    'warning',
    `${seen}. Heartbeats slow down while it is open`,
    `end it (select pg_terminate_backend(${readNumber(row, 'pid')})), and set idle_in_transaction_session_timeout for whoever opened it`,
  );
}

async function preparedTransactions(patient: Patient): Promise<Finding> {
  const rows = await ask(
    patient,
    `select gid, extract(epoch from (clock_timestamp() - prepared))::float8 * 1000 as age_ms
     from pg_prepared_xacts order by prepared`,
  );
  const old = rows.filter((row) => readNumber(row, 'age_ms') >= patient.options.oldMs);
  if (old.length === 0)
    return ok('prepared transactions', rows.length === 0 ? 'none' : `${rows.length}, all young`);
  return found(
    'prepared transactions',
    'warning',
    `${old.length} left behind, first "${readText(old[0] ?? {}, 'gid')}"`,
    old.map((row) => `ROLLBACK PREPARED '${readText(row, 'gid').replaceAll("'", "''")}'`).join('; '),
  );
}

async function slots(patient: Patient): Promise<Finding> {
  const rows = await ask(
    patient,
    `select slot_name::text as name from pg_replication_slots where not active order by slot_name`,
  );
  if (rows.length === 0) return ok('replication slots', 'none unused');
  const names = rows.map((row) => readText(row, 'name'));
  return found(
    'replication slots',
    'warning',
    `nobody reads from: ${names.join(', ')}. They keep log and old row versions until the disk is full`,
    names.map((name) => `select pg_drop_replication_slot('${name}')`).join('; '),
  );
}
