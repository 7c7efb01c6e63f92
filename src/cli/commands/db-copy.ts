// `db copy`: the way from one store to another, with everything that agents left in it.
import { Option, type Command } from 'commander';
import { parseSchema } from '../arguments.ts';
import { addCommand, outputOption, urlOption } from '../command.ts';
import { type DeedWords, type DeletingOptions, mayDelete } from '../confirmation.ts';
import type { CliContext } from '../context.ts';
import type { CopyOutcome, CopyPlan, CopyProgress } from '../deps.ts';
import { readVariable } from '../environment.ts';
import { exitCode } from '../exit-code.ts';
import { CliFailure } from '../failure.ts';
import { presentOne } from '../present.ts';
import { Progress } from '../progress.ts';
import { type Column, formatTable } from '../table.ts';
import { parseStoreUrl, schemaOf } from './db-store.ts';

interface CopyFlags extends DeletingOptions {
  readonly from: string;
  readonly to: string;
  readonly fromSchema?: string;
  readonly toSchema?: string;
  readonly replace?: boolean;
  readonly force?: boolean;
}

type Copied = Extract<CopyOutcome, { outcome: 'copied' }>;

const words: DeedWords = { does: 'deletes what the target holds', done: 'deleted' };

const planned: readonly Column<CopyPlan['tables'][number]>[] = [
  { header: 'TABLE', value: ({ table }) => table },
  { header: 'ROWS', value: ({ rows }) => rows, align: 'right' },
  { header: 'IN-TARGET', value: ({ there }) => there, align: 'right' },
];

const copied: readonly Column<Copied['tables'][number]>[] = [
  { header: 'TABLE', value: ({ table }) => table },
  { header: 'ROWS', value: ({ rows }) => rows, align: 'right' },
  { header: 'SHA-256', value: ({ checksum }) => checksum.slice(0, 16) },
];

const waysOf: Readonly<Record<CopyPlan['way'], string>> = {
  begin: 'copy into an empty target',
  resume: 'go on with the copy that the target holds',
  replace: 'DELETE everything that the target holds, then copy',
};

export function addDbCopyCommand(db: Command, context: CliContext): void {
  const { printer } = context;
  addCommand(db, 'copy', {
    summary: 'Copy a whole store into another one, such as from SQLite to PostgreSQL',
    details:
      'All groups of agents: topics, segments, offsets, leases with their epochs, history, agents, placement; no sessions. Stop the agents of the source first. When it is interrupted, the same command goes on where it was. At the end both stores are compared row by row, and the target gets a new era, so that all its epochs are above those of the source; until then agents refuse to start on it.',
    examples: [
      'db copy --from sqlite:./data/metadata.db --to postgres://owner@db/streamhouse',
      'db copy --from sqlite:./data/metadata.db --to postgres://owner@db/streamhouse --dry-run',
    ],
  })
    .addOption(urlOption('--from', 'the store to read', parseStoreUrl).makeOptionMandatory())
    .addOption(urlOption('--to', 'the store to fill; migrated first', parseStoreUrl).makeOptionMandatory())
    .addOption(sideSchemaOption('--from-schema', 'of the source'))
    .addOption(sideSchemaOption('--to-schema', 'of the target'))
    .option('--replace', 'delete what the target holds; asks before it does')
    .option(
      '--force',
      'do not wait for the TTL of agents that were killed. One that still lives would go on writing to the source, and that is lost',
    )
    .option('-y, --yes', 'do not ask (required with --replace where there is no terminal to ask on)')
    .option('--dry-run', 'tell what would be copied, and change nothing')
    .addOption(outputOption())
    .action(async (flags: CopyFlags, command: Command) => {
      const answer = await runCopy(context, command, flags);
      if (answer.outcome === 'not_confirmed') return;
      if (answer.outcome === 'interrupted') {
        throw new CliFailure(exitCode.interrupted, 'interrupted; the same command goes on where it was');
      }
      await presentOne(context, command, answer, () => formatTable(copied, answer.tables));
      await printer.message(
        `copied and compared, all equal; the target is open, its epochs begin at ${answer.era * 2 ** 32}\n`,
      );
      await printer.hint(
        'start the agents with DATABASE_URL set to the target, and never again on the source',
      );
    });
}

async function runCopy(context: CliContext, command: Command, flags: CopyFlags): Promise<CopyOutcome> {
  const { deps } = context;
  await using progress = new Progress(context);
  return await deps.db.copy(flags.from, flags.to, {
    fromSchema: schemaOf(flags.fromSchema, deps),
    toSchema: schemaOf(flags.toSchema, deps),
    caFile: readVariable(deps.env, 'STREAMHOUSE_DATABASE_CA_FILE', 'DATABASE_CA_FILE')?.value,
    replace: flags.replace ?? false,
    force: flags.force ?? false,
    signal: deps.signal,
    confirm: (plan) => mayBegin(context, command, flags, plan),
    onProgress: (step) => progress.tell(stepText(step)),
  });
}

function stepText({ phase, table, rows, of }: CopyProgress): string {
  const share = of === 0 ? 100 : Math.min(100, Math.floor((rows / of) * 100));
  return `${phase} ${table}: ${rows} of ${of} rows (${share} %)`;
}

async function mayBegin(
  context: CliContext,
  command: Command,
  flags: CopyFlags,
  plan: CopyPlan,
): Promise<boolean> {
  if (flags.dryRun === true) {
    const table = () => `would ${waysOf[plan.way]}\n\n${formatTable(planned, plan.tables)}`;
    await presentOne(context, command, plan, table);
    return false;
  }
  if (plan.way !== 'replace') return true;
  const held = plan.tables.filter(({ there }) => there > 0).map(({ table, there }) => `${table}: ${there}`);
  const what = `delete everything that the target holds (rows: ${held.join(', ')})`;
  return mayDelete(context, command, flags, async () => what, words);
}

function sideSchemaOption(flag: string, of: string): Option {
  return new Option(
    `${flag} <name>`,
    `PostgreSQL schema ${of} (env: DATABASE_SCHEMA, default: streamhouse)`,
  ).argParser(parseSchema);
}
