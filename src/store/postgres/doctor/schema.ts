// Checks of the store's schema: its level, the triggers that keep epochs, the rights of this role, and the state of the hot tables.
import { type Finding, found, ok } from '../../finding.ts';
import { levelFinding } from '../../sql/level-finding.ts';
import { type Migration, schemaStatus, triggersOf } from '../../sql/migrations.ts';
import { readNumber, readNumberOrNull, readText, readTextList } from '../../sql/read.ts';
import { neededRights } from '../grants.ts';
import { knownMigrations, PostgresSchema } from '../migrate.ts';
import { ask, askOne, type Patient, quoted } from './patient.ts';

/** From so many updates on, their kind says something. */
const updatesMin = 1_000;
const heapOnlyShareMin = 0.9;
/** Dead rows that autovacuum should have removed long before. */
const deadMax = 20_000;

export async function checkSchema(patient: Patient): Promise<Finding[]> {
  const { options } = patient;
  const lacking = await rights(patient);
  // Without them the store does not even tell its level.
  if (lacking.verdict === 'fail') return [lacking];
  const state = await new PostgresSchema(
    { ...options, connectionString: options.directConnectionString, mayOnlyRead: true },
    options.schema,
  ).state();
  const { applied, pending } = schemaStatus(state, knownMigrations);
  if (applied.length === 0) return [await mayCreate(patient)];
  const present = knownMigrations.filter(({ name }) => applied.includes(name));
  return [
    levelFinding(applied.length, pending, state.minCompatible),
    await triggers(patient, present),
    lacking,
    ...(await hotTables(patient, present)),
  ];
}

async function mayCreate(patient: Patient): Promise<Finding> {
  const row = await askOne(
    patient,
    `select case when to_regnamespace($1) is null then has_database_privilege(current_database(), 'CREATE')
       else has_schema_privilege(to_regnamespace($1)::oid, 'CREATE') end as may`,
    [quoted(patient.options.schema)],
  );
  if (row['may'] === true) {
    return found('schema', 'note', 'not there yet', 'the first agent makes it, or: streamhouse db migrate');
  }
  return found(
    'schema',
    'fail',
    'not there, and this role may not create it',
    'streamhouse db migrate as the owner, then: streamhouse db grants',
  );
}

async function triggers(patient: Patient, present: readonly Migration[]): Promise<Finding> {
  const rows = await ask(
    patient,
    `select t.tgname::text as name from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and t.tgenabled in ('O', 'A')`,
    [patient.options.schema],
  );
  const enabled = new Set(rows.map((row) => readText(row, 'name')));
  const expected = triggersOf(present);
  const missing = expected.filter((name) => !enabled.has(name));
  if (missing.length === 0) return ok('triggers', `${expected.length}, all in force`);
  return found(
    'triggers',
    'fail',
    `missing or disabled: ${missing.join(', ')}. Nothing but our own code keeps epochs from going back`,
    'ALTER TABLE … ENABLE TRIGGER, or restore what the migrations made',
  );
}

async function rights(patient: Patient): Promise<Finding> {
  const { schema } = patient.options;
  const rows = await ask(
    patient,
    `select c.relname::text as name, array(select p from unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE']) p
       where not has_table_privilege(c.oid, p))::text[] as lacking
     from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relkind = 'r' order by 1`,
    [schema],
  );
  const lacking = rows.flatMap((row) => {
    const name = readText(row, 'name');
    const missing = readTextList(row, 'lacking').filter((right) => neededRights(name).includes(right));
    return missing.length === 0 ? [] : [`${missing.join(', ')} on ${name}`];
  });
  const isClosed = await ask(
    patient,
    `select 1 from pg_namespace where nspname = $1 and not has_schema_privilege(oid, 'USAGE')`,
    [schema],
  );
  if (isClosed.length > 0) lacking.unshift(`USAGE on schema ${schema}`);
  if (lacking.length === 0) return ok('rights', 'what agents need');
  const { role } = await askOne(patient, 'select current_user::text as role');
  return found(
    'rights',
    'fail',
    `${String(role)} lacks ${lacking.join('; ')}`,
    `as the owner run what this prints: streamhouse db grants --role ${String(role)} --schema ${schema}`,
  );
}

/** The tables whose rows are updated all the time; they are the ones with room left on their pages. */
async function hotTables(patient: Patient, present: readonly Migration[]): Promise<Finding[]> {
  const wanted = fillfactorsOf(present);
  const rows = await ask(
    patient,
    `select s.relname::text as name, s.n_tup_upd::float8 as updates, s.n_tup_hot_upd::float8 as heap_only,
       s.n_live_tup::float8 as live, s.n_dead_tup::float8 as dead,
       extract(epoch from (clock_timestamp() - greatest(s.last_autovacuum, s.last_vacuum)))::float8 as vacuumed_s,
       (select split_part(o, '=', 2)::integer from unnest(c.reloptions) o where o like 'fillfactor=%') as fillfactor
     from pg_stat_user_tables s join pg_class c on c.oid = s.relid
     where s.schemaname = $1 and s.relname = any($2) order by 1`,
    [patient.options.schema, [...wanted.keys()]],
  );
  return rows.map((row) => {
    const name = readText(row, 'name');
    const check = `table ${name}`;
    const [updates, heapOnly] = [readNumber(row, 'updates'), readNumber(row, 'heap_only')];
    const [live, dead] = [readNumber(row, 'live'), readNumber(row, 'dead')];
    const vacuumed = readNumberOrNull(row, 'vacuumed_s');
    const share = updates === 0 ? 1 : heapOnly / updates;
    const seen = `${updates} updates, ${Math.round(share * 100)} % heap-only; ${live} rows, ${dead} dead; ${vacuumed === null ? 'never vacuumed' : `vacuumed ${Math.round(vacuumed)} s ago`}`;
    if (readNumberOrNull(row, 'fillfactor') !== wanted.get(name)) {
      return found(
        check,
        'warning',
        `fillfactor is ${readNumberOrNull(row, 'fillfactor') ?? 100}, made as ${wanted.get(name)}; ${seen}`,
        `ALTER TABLE ${name} SET (fillfactor = ${wanted.get(name)})`,
      );
    }
    if (name === 'sessions' && updates >= updatesMin && share < heapOnlyShareMin) {
      return found(
        check,
        'warning',
        `${seen}. Each other heartbeat writes every index and leaves a row behind`,
        'drop indexes that were added to it; else look for what keeps old rows alive (oldest transaction)',
      );
    }
    if (dead > Math.max(deadMax, live)) {
      return found(check, 'warning', seen, `VACUUM ${name}; then see why autovacuum does not keep up`);
    }
    return ok(check, seen);
  });
}

function fillfactorsOf(present: readonly Migration[]): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const statement of present.flatMap(({ statements }) => statements)) {
    const table = /CREATE TABLE (\w+)/.exec(statement)?.[1];
    const fillfactor = /WITH \(fillfactor = (\d+)/.exec(statement)?.[1];
    if (table !== undefined && fillfactor !== undefined) found.set(table, Number(fillfactor));
  }
  return found;
}
