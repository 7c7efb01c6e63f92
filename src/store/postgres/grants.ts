// The SQL that gives a role the rights an agent needs in PostgreSQL, and no others. Text for a person to read and run: granting is
// the owner's business, not a program's.
import pg from 'pg';

export interface GrantOptions {
  readonly role: string;
  readonly schema: string;
  /** The agents apply migrations themselves, and own what these make. Default: an owner migrates. */
  readonly migrate: boolean;
}

/** Rights that agents do without; the SQL below gives none of them. */
const withheld: Readonly<Record<string, readonly string[]>> = {
  epoch_floors: ['DELETE'],
  era: ['INSERT', 'DELETE'],
  store_info: ['INSERT', 'UPDATE', 'DELETE'],
  schema_migrations: ['INSERT', 'UPDATE', 'DELETE'],
};

/** What agents that do not migrate need on a table of the store. */
export function neededRights(table: string): readonly string[] {
  const without = withheld[table] ?? [];
  return ['SELECT', 'INSERT', 'UPDATE', 'DELETE'].filter((right) => !without.includes(right));
}

export function grantsSql(options: GrantOptions): string {
  return options.migrate ? forMigratingAgents(options) : forAgents(options);
}

function forAgents({ role, schema }: GrantOptions): string {
  const to = pg.escapeIdentifier(role);
  const inSchema = pg.escapeIdentifier(schema);
  return `-- Rights of StreamHouse agents that log in as ${to}: what they work with, and nothing else. They cannot migrate, so start
-- them with AUTO_MIGRATE=false. No superuser is needed, neither for this nor for them.
--
--   1. As the role that is to own the store:  streamhouse db migrate --schema ${schema}
--   2. If ${to} does not exist yet:  CREATE ROLE ${to} LOGIN PASSWORD '...';
--   3. As the owner, in the store's database, this file:  psql -v ON_ERROR_STOP=1 -f FILE
--   4. For each upgrade step 1 again, as the same owner: what it makes gets these rights by itself.
--
-- For agents that migrate by themselves, see: streamhouse db grants --agents-migrate
BEGIN;

REVOKE ALL ON SCHEMA ${inSchema} FROM PUBLIC, ${to};
GRANT USAGE ON SCHEMA ${inSchema} TO ${to};

REVOKE ALL ON ALL TABLES IN SCHEMA ${inSchema} FROM PUBLIC, ${to};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${inSchema} TO ${to};
-- Epochs belong to names for ever: a lease goes only where a floor keeps its epoch (a trigger sees to it), and no floor ever does.
-- Which schema this is, only a migration says.
${Object.entries(withheld)
  .map(([table, rights]) => `REVOKE ${rights.join(', ')} ON ${inSchema}.${table} FROM ${to};`)
  .join('\n')}
GRANT USAGE ON ALL SEQUENCES IN SCHEMA ${inSchema} TO ${to};

-- What later migrations make, as long as the role that runs this applies them.
ALTER DEFAULT PRIVILEGES IN SCHEMA ${inSchema} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ${to};
ALTER DEFAULT PRIVILEGES IN SCHEMA ${inSchema} GRANT USAGE ON SEQUENCES TO ${to};

-- Functions need no grant: the only ones are those of triggers, which PostgreSQL runs without asking for EXECUTE.

${aroundTheSchema(role)}
COMMIT;
`;
}

function forMigratingAgents({ role, schema }: GrantOptions): string {
  const to = pg.escapeIdentifier(role);
  const inSchema = pg.escapeIdentifier(schema);
  return `-- Rights of StreamHouse agents that log in as ${to} and apply migrations by themselves (AUTO_MIGRATE=true, the default).
-- They own the tables they make, so they could drop them too; without --agents-migrate they could not. No superuser is needed.
--
--   1. If ${to} does not exist yet:  CREATE ROLE ${to} LOGIN PASSWORD '...';
--   2. As the database's owner, in that database, this file:  psql -v ON_ERROR_STOP=1 -f FILE
--   3. Start the agents.
--
-- Only for a new store, or one that ${to} has made: nobody but a table's owner can migrate it.
BEGIN;

CREATE SCHEMA IF NOT EXISTS ${inSchema};
REVOKE ALL ON SCHEMA ${inSchema} FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA ${inSchema} TO ${to};

${aroundTheSchema(role)}
COMMIT;
`;
}

/** The database, and the schema `public`, which on PostgreSQL 14 and on databases that come from there is open to all. */
function aroundTheSchema(role: string): string {
  const name = pg.escapeLiteral(role);
  return `-- The database: PUBLIC may connect unless somebody has taken that away.
DO $$ BEGIN
  IF NOT has_database_privilege(${name}, current_database(), 'CONNECT') THEN
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), ${name});
  END IF;
END $$;

-- The schema public: since PostgreSQL 15 nobody may create anything there. Before, and in a database that was made before, everybody
-- may. This takes it away from everybody; other programs in this database that rely on it need a grant of their own.
DO $$ BEGIN
  IF to_regnamespace('public') IS NOT NULL AND has_schema_privilege(${name}, 'public', 'CREATE') THEN
    EXECUTE format('REVOKE CREATE ON SCHEMA public FROM PUBLIC, %I', ${name});
    IF has_schema_privilege(${name}, 'public', 'CREATE') THEN
      RAISE WARNING 'the agents may still create in schema public; its owner can mend it: REVOKE CREATE ON SCHEMA public FROM PUBLIC';
    END IF;
  END IF;
END $$;
`;
}
