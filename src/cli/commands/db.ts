// `db`: the store's schema and who may use it, opened by URL instead of through an agent.
import { Option, type Command } from 'commander';
import { parseRole } from '../arguments.ts';
import { addCommand, addGroup } from '../command.ts';
import type { CliContext } from '../context.ts';
import { presentOne } from '../present.ts';
import { addDbCopyCommand } from './db-copy.ts';
import { addDbDoctorCommand } from './db-doctor.ts';
import { addDbFenceCommand } from './db-fence.ts';
import { addStoreCommand, type StoreFlags, schemaOf, schemaOption, storeOf } from './db-store.ts';
import { formatFacts, formatTable, type Column } from '../table.ts';

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
    summary: 'Examine, migrate, copy and fence stores, and print the rights to them',
    examples: ['db status --database-url postgres://db/streamhouse', 'db doctor'],
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
    const { applied, pending, minCompatible, isHalfCopied } = await deps.db.status(url, options);
    await presentOne(context, command, { applied, pending, minCompatible, isHalfCopied }, () => {
      const facts = formatFacts([
        ['Applied', applied.length],
        ['Pending', pending.length],
        // Meanwhile the level says nothing but that.
        isHalfCopied
          ? ['Copy into it', 'not finished; agents refuse to start on it']
          : ['Lowest compatible level', minCompatible],
      ]);
      return [facts, formatTable(columns, migrations(applied, pending))].join('\n');
    });
    if (isHalfCopied) await printer.hint('run the same "streamhouse db copy" again: it goes on where it was');
    else if (pending.length > 0) await printer.hint('apply what is pending with "streamhouse db migrate"');
  });

  addDbDoctorCommand(db, context);
  addDbCopyCommand(db, context);
  addDbFenceCommand(db, context);
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

function migrations(applied: readonly string[], pending: readonly string[]): Migration[] {
  return [
    ...applied.map((name) => ({ name, state: 'applied' }) as const),
    ...pending.map((name) => ({ name, state: 'pending' }) as const),
  ];
}
