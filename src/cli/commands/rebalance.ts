// `rebalance`: what the plan would move and why, having it carried out, and how far it is.
import type { Command } from 'commander';
import { appliedForm, moveForm, planForm, rebalanceForm, type RebalanceAnswer } from '../answers.ts';
import { type Api, connect } from '../api.ts';
import { addGroup, addListingCommand, addReadingCommand, addSteeringCommand } from '../command.ts';
import { timeoutOf } from '../connection.ts';
import { type DeletingOptions, mayDelete, steering } from '../confirmation.ts';
import type { CliContext } from '../context.ts';
import { readList } from '../listing.ts';
import { counted, loadColumns, moveColumns, movingColumns, partitionOf } from '../load-tables.ts';
import { presentLooks } from '../looks.ts';
import { columnsFor, presentOne } from '../present.ts';
import { formatFacts, formatTable } from '../table.ts';
import { waitUntilApplied } from '../rebalance-wait.ts';

/** How many moves the question before `apply` names. */
const movesNamedMax = 5;

export function addRebalanceCommands(program: Command, context: CliContext): void {
  const rebalance = addGroup(program, 'rebalance', {
    summary: 'Show what the plan would move and why, have it carried out, and follow it',
    examples: ['rebalance plan', 'rebalance apply --wait', 'rebalance status --watch'],
  });
  addPlan(rebalance, context);
  addApply(rebalance, context);
  addStatus(rebalance, context);
}

function addPlan(rebalance: Command, context: CliContext): void {
  addListingCommand(rebalance, 'plan', {
    summary: 'Show what would move from whom to whom, and why; changes nothing',
    details:
      'NOW is what is assigned to an agent, PLANNED what it has when the plan is carried out, SHARE what is its by weight ("-": it takes nothing new).',
    examples: ['rebalance plan', 'rebalance plan --limit 20', 'rebalance plan -o json | jq .totalMoves'],
  }).action(async ({ limit }: { limit?: number }, command: Command) => {
    await presentLooks(context, command, async (api) => {
      const { rows, body, hasMore } = await readPlan(api, limit);
      const plan = api.understand(planForm, body);
      const hints = [
        ...(rows.length === 0
          ? ['nothing to move: every partition is assigned where the plan wants it']
          : []),
        ...(hasMore ? [`only the first ${rows.length} moves, as --limit says; there are more`] : []),
      ];
      const table = (isWide: boolean): string =>
        [
          formatFacts([
            ['Generation', plan.generation],
            ['Moves', plan.totalMoves],
            ['Unassignable', plan.unassignable],
          ]),
          formatTable(columnsFor(loadColumns, isWide), plan.agents ?? []),
          ...(rows.length === 0 ? [] : [formatTable(columnsFor(moveColumns, isWide), rows)]),
        ].join('\n');
      return { body, table, names: () => rows.map(partitionOf), hints };
    });
  });
}

interface ApplyOptions extends DeletingOptions {
  readonly wait?: boolean;
}

function addApply(rebalance: Command, context: CliContext): void {
  addSteeringCommand(rebalance, 'apply', {
    summary: 'Have the coordinator carry out the plan now',
    details:
      'Without regard to a pause, to pins ("leases move") and to the imbalance below which nothing moves by itself. Partitions are handed over a few at a ' +
      'time. With --wait, --timeout bounds the whole wait (default: no bound).',
    examples: ['rebalance apply --dry-run', 'rebalance apply', 'rebalance apply --yes --wait --timeout 5m'],
  })
    .option('--wait', 'return only when all of it is carried out')
    .action(async (options: ApplyOptions, command: Command) => {
      const api = connect(context, command);
      if (!(await mayDelete(context, command, options, () => describeApply(api), steering))) return;
      const request = { method: 'POST', path: ['v1', 'plan', 'apply'], body: {} } as const;
      const applied = await api.call(request, appliedForm);
      if (options.wait !== true) {
        const done = 'asked the coordinator for the plan; "rebalance status --watch" follows it\n';
        await presentOne(context, command, applied.body, () => done);
        return;
      }
      const { value, body } = await waitUntilApplied(context, api, timeoutOf(command));
      const led = `${value.partitions?.led ?? 'unknown'} of ${value.partitions?.total ?? 'unknown'}`;
      await presentOne(context, command, body, () => `the plan is carried out: ${led} partitions are led\n`);
    });
}

function addStatus(rebalance: Command, context: CliContext): void {
  addReadingCommand(rebalance, 'status', {
    summary: 'Show how far the plan is carried out: what is on its way, for how long, and why',
    examples: [
      'rebalance status',
      'rebalance status --watch',
      'rebalance status -o json | jq .partitions.moving',
    ],
  }).action(async (_options: unknown, command: Command) => {
    await presentLooks(context, command, async (api) => {
      const { value, body } = await api.get(['v1', 'rebalance'], rebalanceForm);
      const moving = value.moving ?? [];
      const table = (isWide: boolean): string =>
        [
          statusFacts(value),
          formatTable(columnsFor(loadColumns, isWide), value.agents ?? []),
          ...(moving.length === 0 ? [] : [formatTable(columnsFor(movingColumns, isWide), moving)]),
        ].join('\n');
      return { body, table, names: () => moving.map(partitionOf) };
    });
  });
}

function readPlan(api: Api, limit: number | undefined) {
  return readList(api, { path: ['v1', 'plan'], key: 'moves', row: moveForm, limit });
}

async function describeApply(api: Api): Promise<string> {
  const { rows, body } = await readPlan(api, movesNamedMax);
  const { totalMoves, generation } = api.understand(planForm, body);
  const total = totalMoves ?? rows.length;
  if (total === 0) return `move nothing: the plan of generation ${generation ?? 'unknown'} has no moves`;
  const named = rows.map(
    (move) =>
      `${partitionOf(move)} ${move.from ?? 'nobody'} → ${move.to ?? 'nobody'} (${move.reason ?? 'unknown'})`,
  );
  const rest = total > rows.length ? `, and ${total - rows.length} more` : '';
  return `move ${counted(total, 'partition', 'partitions')}: ${named.join(', ')}${rest}`;
}

function statusFacts(answer: RebalanceAnswer): string {
  const { coordinator, partitions } = answer;
  return formatFacts([
    ['Generation', answer.generation],
    ['Coordinator', coordinator?.agentId ?? 'nobody, so nothing is planned'],
    ['Paused', answer.paused ? `since ${answer.pausedSince ?? 'unknown'}` : 'no'],
    ['Asked for', answer.applyRequestedAt ? `since ${answer.applyRequestedAt}` : 'nothing'],
    ['Partitions', partitions?.total],
    ['Led', partitions?.led],
    ['Moving', partitions?.moving],
    ['Wanted', answer.wanted],
    ['Unassigned', partitions?.unassigned],
    ['Pinned', partitions?.pinned],
  ]);
}
