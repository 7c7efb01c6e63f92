// `db`: the store's schema and who may use it, opened by URL instead of through an agent.
import { InvalidArgumentError, Option, type Command } from 'commander';
import { parseRole, parseSchema } from '../arguments.ts';
import { addCommand, addGroup, outputOption, urlOption, type CommandText } from '../command.ts';
import type { CliContext } from '../context.ts';
import type { CliDeps, DbOptions } from '../deps.ts';
import { checkVariable, readSecret, readVariable } from '../environment.ts';
import { presentOne } from '../present.ts';
import { formatFacts, formatTable, type Column } from '../table.ts';

interface StoreFlags {
  readonly databaseUrl?: string;
  readonly schema?: string;
}

interface GrantFlags {
  readonly role: string;
  readonly schema?: string;
  readonly agentsMigrate?: boolean;
}

interface Migration {
  readonly name: string;
  readonly state: 'applied' | 'pending';
}

const columns: readonly Column<Migration>[] = [
  { header: 'MIGRATION', value: ({ name }) => name },
  { header: 'STATE', value: ({ state }) => state },
];

export function addDbCommands(program: Command, context: CliContext): void {
  const { deps, printer } = context;
  const db = addGroup(program, 'db', {
    summary: "Look at and migrate the store's schema, and print the rights to it",
    examples: ['db status --database-url postgres://db/streamhouse', 'db migrate'],
  });

  addStoreCommand(db, 'migrate', {
    summary: 'Apply the migrations that the store lacks',
    details:
      'Agents do it by themselves when they start, unless AUTO_MIGRATE=false. Safe to run any number of times at once.',
    examples: ['db migrate --database-url postgres://owner@db/streamhouse', 'db migrate --schema staging'],
  }).action(async (flags: StoreFlags, command: Command) => {
    const { url, options } = storeOf(command, flags, deps);
    const answer = await deps.db.migrate(url, options);
    const table = answer.applied.map((name) => `applied ${name}\n`).join('');
    await presentOne(context, command, { applied: answer.applied }, () => table || 'nothing to apply\n');
  });

  addStoreCommand(db, 'status', {
    summary: 'Show which migrations are applied and which are pending; changes nothing',
    examples: ['db status --database-url sqlite:./data/metadata.db', 'db status -o json | jq .pending'],
  }).action(async (flags: StoreFlags, command: Command) => {
    const { url, options } = storeOf(command, flags, deps);
    const { applied, pending, minCompatible } = await deps.db.status(url, options);
    await presentOne(context, command, { applied, pending, minCompatible }, () => {
      const facts = formatFacts([
        ['Applied', applied.length],
        ['Pending', pending.length],
        ['Lowest compatible level', minCompatible],
      ]);
      return [facts, formatTable(columns, migrations(applied, pending))].join('\n');
    });
    if (pending.length > 0) await printer.hint('apply what is pending with "streamhouse db migrate"');
  });

  addGrantsCommand(db, context);
}

function addGrantsCommand(db: Command, { deps, printer }: CliContext): void {
  addCommand(db, 'grants', {
    summary: 'Print the SQL that gives a PostgreSQL role the rights agents need, and no others',
    details:
      "Prints and does nothing else: the owner of the schema reads it and runs it. With --agents-migrate it is for agents that apply migrations by themselves; they then own the store's tables.",
    examples: [
      'db grants --role streamhouse_agent > grants.sql',
      'db grants --role streamhouse_agent --schema staging --agents-migrate',
    ],
  })
    .addOption(
      new Option('--role <name>', 'the role that agents log in as')
        .argParser(parseRole)
        .makeOptionMandatory(),
    )
    .addOption(schemaOption())
    .option('--agents-migrate', 'the agents apply migrations themselves (AUTO_MIGRATE=true)')
    .action(async ({ role, schema, agentsMigrate = false }: GrantFlags) => {
      await printer.data(
        await deps.db.grants({ role, schema: schemaOf(schema, deps), migrate: agentsMigrate }),
      );
    });
}

function schemaOption(): Option {
  return new Option(
    '--schema <name>',
    'PostgreSQL schema (env: DATABASE_SCHEMA, default: streamhouse)',
  ).argParser(parseSchema);
}

function schemaOf(flag: string | undefined, { env }: CliDeps): string {
  const fromEnv = readVariable(env, 'STREAMHOUSE_DATABASE_SCHEMA', 'DATABASE_SCHEMA');
  return flag ?? checkVariable(fromEnv, parseSchema) ?? 'streamhouse';
}

function addStoreCommand(db: Command, name: string, text: CommandText): Command {
  return addCommand(db, name, text)
    .addOption(urlOption('--database-url', 'the store (env: DATABASE_URL)', parseStoreUrl))
    .addOption(schemaOption())
    .addOption(outputOption());
}

/**
 * Which store. Unlike an agent, no default: a forgotten URL would make an empty SQLite file here and report it as
 * migrated. The variables are the agent's, so that one environment serves both.
 */
function storeOf(command: Command, flags: StoreFlags, deps: CliDeps): { url: string; options: DbOptions } {
  const { env, signal } = deps;
  const fromEnv = readSecret(env, 'STREAMHOUSE_DATABASE_URL', 'DATABASE_URL');
  const url = flags.databaseUrl ?? checkVariable(fromEnv, parseStoreUrl);
  if (url === undefined) {
    return command.error('error: which store? Name it with --database-url or set DATABASE_URL');
  }
  const schema = schemaOf(flags.schema, deps);
  const caFile = readVariable(env, 'STREAMHOUSE_DATABASE_CA_FILE', 'DATABASE_CA_FILE')?.value;
  return { url, options: { schema, caFile, signal } };
}

/** Only the beginning: the rest is for whoever opens it, and a message here must not repeat a password. */
function parseStoreUrl(text: string): string {
  if (/^(postgres(ql)?:\/\/|sqlite:)./.test(text)) return text;
  throw new InvalidArgumentError('It must begin with postgres:// or sqlite:.');
}

function migrations(applied: readonly string[], pending: readonly string[]): Migration[] {
  return [
    ...applied.map((name) => ({ name, state: 'applied' }) as const),
    ...pending.map((name) => ({ name, state: 'pending' }) as const),
  ];
}
