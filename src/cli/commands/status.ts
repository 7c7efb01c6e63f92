// `status`: the cluster in one page.
import type { Command } from 'commander';
import { statusForm, type StatusAnswer } from '../answers.ts';
import { addReadingCommand } from '../command.ts';
import type { CliContext } from '../context.ts';
import { formatDuration } from '../duration.ts';
import { presentLooks } from '../looks.ts';
import { formatFacts } from '../table.ts';

export function addStatusCommand(program: Command, context: CliContext): void {
  addReadingCommand(program, 'status', {
    summary: 'Show the group in one page: coordinator, agents, partitions led and not led',
    examples: [
      'status',
      'status --watch',
      'status --url http://broker-2:7070',
      'status -o json | jq .partitions.unled',
    ],
  }).action(async (_options: unknown, command: Command) => {
    await presentLooks(context, command, async (api) => {
      const { value, body } = await api.get(['v1', 'status'], statusForm);
      return { body, table: () => statusFacts(value), names: () => [value.group] };
    });
  });
}

function statusFacts(status: StatusAnswer): string {
  const { agents, partitions } = status;
  return formatFacts([
    ['Group', status.group],
    ['Backend', status.backend],
    ['Era', eraText(status.era)],
    ['Coordinator', coordinatorText(status.coordinator)],
    [
      'Agents',
      counts(
        [agents?.active, 'active'],
        [some(agents?.cordoned), 'cordoned'],
        [some(agents?.draining), 'draining'],
        [some(agents?.broker_down), 'without a broker'],
        [agents?.expired, 'expired'],
        [agents?.dead, 'dead'],
      ),
    ],
    ['Topics', status.topics],
    [
      'Partitions',
      counts([partitions?.total, 'in all'], [partitions?.led, 'led'], [partitions?.unled, 'not led']),
    ],
    ['Asked agent', agentText(status.agent)],
  ]);
}

function eraText(era: StatusAnswer['era']): string | undefined {
  if (era?.number === null || era?.number === undefined) return undefined;
  const restMs = era.quarantineRestMs ?? 0;
  const quarantine =
    restMs > 0
      ? `; quarantine, ${formatDuration(restMs)} left: leases go only to agents that trusted them`
      : '';
  return `${era.number} (since ${era.since ?? 'unknown'}${quarantine})`;
}

function coordinatorText(coordinator: StatusAnswer['coordinator']): string {
  if (coordinator === null || coordinator === undefined) return 'nobody';
  const { agentId, epoch, since } = coordinator;
  return `${agentId} (epoch ${epoch ?? 'unknown'}, since ${since ?? 'unknown'})`;
}

function agentText(agent: StatusAnswer['agent']): string | undefined {
  if (agent === null || agent === undefined) return undefined;
  const parts = [
    agent.state ?? 'state unknown',
    ...(typeof agent.leases === 'number' ? [`${agent.leases} leases`] : []),
    ...(typeof agent.trustedForMs === 'number'
      ? [`trusts its session for ${formatDuration(Math.round(agent.trustedForMs))}`]
      : []),
  ];
  return `${agent.agentId ?? 'unnamed'} (${parts.join(', ')})`;
}

/** What is worth a word only where there is some. */
function some(count: number | null | undefined): number | undefined {
  return count ? count : undefined;
}

/** `3 active, 0 expired`, without the counts that the answer left out. */
function counts(...entries: readonly (readonly [count: number | null | undefined, what: string])[]): string {
  return entries
    .filter(([count]) => count !== null && count !== undefined)
    .map(([count, what]) => `${count} ${what}`)
    .join(', ');
}
