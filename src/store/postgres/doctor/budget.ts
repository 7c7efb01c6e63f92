// Checks of time limits that somebody set for the role or the database: what is shorter than an agent needs cuts it off.
import { type Finding, found, ok } from '../../finding.ts';
import { readNumber, readText } from '../../sql/read.ts';
import { ask, type Patient } from './patient.ts';

/** What agents set for themselves when they connect; a pooler, and `db migrate` by hand, may go without. */
const ownLimits = ['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout'];
/** What they leave as it is: nobody sets it by accident, and any value can cut a connection that only waits. */
const foreignLimits = ['idle_session_timeout', 'transaction_timeout'];
/** Listener and coordination say something at least this often, milliseconds. */
const quietMs = 30_000;

export async function checkBudget(patient: Patient): Promise<Finding[]> {
  return [await limits(patient), await keepalive(patient)];
}

async function limits(patient: Patient): Promise<Finding> {
  const { statementMs } = patient.options;
  const rows = await ask(
    patient,
    `select name, 'role or database' as source,
       case when given ~ '^[0-9]+$' then given::float8 else extract(epoch from given::interval) * 1000 end::float8 as ms
     from (select split_part(c, '=', 1) as name, split_part(c, '=', 2) as given
       from pg_db_role_setting s, unnest(s.setconfig) as c
       where s.setdatabase in (0, (select oid from pg_database where datname = current_database()))
         and s.setrole in (0, (select oid from pg_roles where rolname = current_user))) as limits
     where name = any($1)`,
    [[...ownLimits, ...foreignLimits]],
  );
  const server = await ask(
    patient,
    `select name, reset_val::float8 as ms, 'server' as source from pg_settings
     where name = any($1) and source in ('configuration file', 'command line')`,
    [foreignLimits],
  );
  const needed = (name: string): number => (ownLimits.includes(name) ? statementMs : quietMs);
  const short = [...rows, ...server].filter((row) => {
    const ms = readNumber(row, 'ms');
    return ms > 0 && ms < needed(readText(row, 'name'));
  });
  if (short.length === 0)
    return ok('time limits', `none of role or database below what agents need (${statementMs} ms)`);
  const seen = short.map(
    (row) => `${readText(row, 'name')} = ${readNumber(row, 'ms')} ms (${readText(row, 'source')})`,
  );
  return found(
    'time limits',
    'warning',
    seen.join(', '),
    'take it back (ALTER ROLE … RESET …, ALTER DATABASE … RESET …), or raise it: where agents cannot set their own it cuts them off',
  );
}

async function keepalive(patient: Patient): Promise<Finding> {
  const [row] = await ask(
    patient,
    `select current_setting('statement_timeout') as statement_timeout, current_setting('tcp_keepalives_idle') as idle`,
  );
  const timeout = readText(row ?? {}, 'statement_timeout');
  // Ours is never zero.
  if (timeout !== '0')
    return ok(
      'own limits',
      `statement_timeout ${timeout}, TCP keepalive after ${readText(row ?? {}, 'idle')} s`,
    );
  return found(
    'own limits',
    'warning',
    'the settings that agents ask for when they connect do not arrive',
    'have the pooler pass startup parameters on, or give it the direct URL',
  );
}
