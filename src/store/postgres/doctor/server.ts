// Checks of the server itself: its version, its role, and whether what it has said stays true after a crash or a failover.
import { type Finding, found, ok } from '../../finding.ts';
import { readBoolean, readNumber, readText } from '../../sql/read.ts';
import { isHidden } from '../migrate.ts';
import { checkDurability } from './durability.ts';
import { ask, askOne, type Patient } from './patient.ts';

const oldestVersion = 140_000;

export async function checkServer(patient: Patient): Promise<Finding[]> {
  return [
    await version(patient),
    await role(patient),
    ...(await checkDurability((text, values) => ask(patient, text, values), patient.options.schema)),
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
      'name the primary in the URL, or all hosts (h1:5432,h2:5432): agents find the one that takes writes',
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
