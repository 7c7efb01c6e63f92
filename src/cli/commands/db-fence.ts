// `db fence --new-era`: after a restore or a failover that may have lost commits, above every epoch that was ever given out.
import { Option, type Command } from 'commander';
import { EPOCHS_PER_ERA } from '../../domain/limits.ts';
import { parseEpoch } from '../arguments.ts';
import type { CliContext } from '../context.ts';
import { type DeedWords, type DeletingOptions, mayDelete } from '../confirmation.ts';
import type { NewEraOutcome, NewEraPlan } from '../deps.ts';
import { counted } from '../load-tables.ts';
import { presentOne } from '../present.ts';
import { type Column, formatFacts, formatTable } from '../table.ts';
import { addStoreCommand, type StoreFlags, storeOf } from './db-store.ts';

interface FenceFlags extends StoreFlags, DeletingOptions {
  readonly above: number;
  readonly force?: boolean;
}

const words: DeedWords = { does: 'ends sessions and opens an era', done: 'changed' };

const sessionColumns: readonly Column<NewEraPlan['sessions'][number]>[] = [
  { header: 'AGENT', value: ({ agentId }) => agentId },
  { header: 'GROUP', value: ({ group }) => group },
  { header: 'STATE', value: ({ isLive }) => (isLive ? 'LIVE' : 'silent') },
  { header: 'LEASES', value: ({ leases }) => leases, align: 'right' },
];

export function addDbFenceCommand(db: Command, context: CliContext): void {
  const { printer } = context;
  addStoreCommand(db, 'fence', {
    summary: 'Open a new era: after a restore, or a failover that may have lost commits',
    details:
      'Such a store no longer knows all epochs that it has given out, and would give them out again. From the new era on every epoch is above all of them, for all groups of agents. All sessions end in the same transaction, those that a backup brought back among them. Stop the agents first; --force ends the sessions of agents that run, which then register anew. Restored twice from one backup, or with pg_dump: name the highest epoch that brokers, logs or object keys show with --above.',
    examples: [
      'db fence --new-era --database-url postgres://owner@db/streamhouse --dry-run',
      'db fence --new-era --database-url postgres://owner@db/streamhouse --above 8589934650',
    ],
  })
    .requiredOption('--new-era', 'required: what is to be done')
    .addOption(
      new Option(
        '--above <epoch>',
        'an epoch of the lost history, where a higher one is known than the store has',
      )
        .argParser(parseEpoch)
        .default(0, 'none'),
    )
    .option('--force', 'although agents run: end their sessions')
    .option('-y, --yes', 'do not ask (required where there is no terminal to ask on)')
    .option('--dry-run', 'tell what would be done, and change nothing')
    .action(async (flags: FenceFlags, command: Command) => {
      const { url, options } = storeOf(command, flags, context.deps);
      const answer: NewEraOutcome = await context.deps.db.fence(url, {
        ...options,
        above: flags.above,
        force: flags.force ?? false,
        confirm: (plan) => mayOpen(context, command, flags, plan),
      });
      if (answer.outcome === 'not_confirmed') return;
      await presentOne(context, command, { ...answer, ...bounds(answer) }, () => report(answer));
      await printer.message(`era ${answer.nextEra} is open, ${ended(answer)} ended\n`);
    });
}

async function mayOpen(
  context: CliContext,
  command: Command,
  flags: FenceFlags,
  plan: NewEraPlan,
): Promise<boolean> {
  if (flags.dryRun === true) {
    const answer = { outcome: 'planned', ...plan, ...bounds(plan) };
    await presentOne(context, command, answer, () => report(plan));
    return false;
  }
  const live = plan.sessions.filter(({ isLive }) => isLive).length;
  const sessions = `${ended(plan)} (${live} of agents that run)`;
  const from = bounds(plan).epochsFrom;
  const what = `open era ${plan.nextEra}, so that every epoch from now on is at least ${from}, and end ${sessions}`;
  return mayDelete(context, command, flags, async () => what, words);
}

function ended({ sessions }: NewEraPlan): string {
  return counted(sessions.length, 'session', 'sessions');
}

function bounds({ nextEra }: NewEraPlan): { readonly epochsFrom: number } {
  return { epochsFrom: nextEra * EPOCHS_PER_ERA };
}

function report(plan: NewEraPlan): string {
  const facts = formatFacts([
    ['Era before', plan.era],
    ['Highest epoch before', plan.epochMax],
    ['New era', plan.nextEra],
    ['Its epochs begin at', bounds(plan).epochsFrom],
    ['Sessions that end', plan.sessions.length],
  ]);
  return plan.sessions.length === 0 ? facts : `${facts}\n${formatTable(sessionColumns, plan.sessions)}`;
}
