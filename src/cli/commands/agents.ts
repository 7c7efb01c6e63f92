// `agents`: the members of the group.
import type { Command } from 'commander';
import { agentForm, agentRemovalForm, type AgentAnswer } from '../answers.ts';
import { connect } from '../api.ts';
import { parseName } from '../arguments.ts';
import { addDeletingCommand, addGroup, addListingCommand, addReadingCommand } from '../command.ts';
import { mayDelete, type DeletingOptions } from '../confirmation.ts';
import type { CliContext } from '../context.ts';
import { formatDuration } from '../duration.ts';
import { exitCode } from '../exit-code.ts';
import { CliFailure } from '../failure.ts';
import { readList } from '../listing.ts';
import { presentLooks } from '../looks.ts';
import { listed } from '../present.ts';
import { formatFacts, type Column } from '../table.ts';
import { addPlacementCommands } from './placement.ts';

const columns: readonly Column<AgentAnswer>[] = [
  { header: 'AGENT', value: ({ agentId }) => agentId },
  { header: 'STATE', value: ({ state }) => state },
  { header: 'PLACEMENT', value: ({ placement }) => placement },
  { header: 'LEASES', value: ({ leases }) => leases, align: 'right' },
  { header: 'WEIGHT', value: ({ weight }) => weight, align: 'right' },
  { header: 'ZONE', value: ({ zone }) => zone },
  { header: 'ADDRESS', value: ({ address }) => address },
  { header: 'EXPIRES-IN', value: expiryText, align: 'right' },
  { header: 'LAST-HEARTBEAT', value: ({ lastHeartbeatAt }) => lastHeartbeatAt, isWide: true },
  { header: 'GROUP', value: ({ group }) => group, isWide: true },
  { header: 'METADATA', value: metadataText, isWide: true },
];

export function addAgentsCommands(program: Command, context: CliContext): void {
  const agents = addGroup(program, 'agents', {
    summary: 'List, show, cordon, drain and remove the agents of the group',
    examples: ['agents list', 'agents drain broker-1 --wait'],
  });
  addList(agents, context);
  addGet(agents, context);
  addPlacementCommands(agents, context);
  addRemove(agents, context);
}

function addList(agents: Command, context: CliContext): void {
  addListingCommand(agents, 'list', {
    summary: 'List the agents of the group, with how much each of them leads',
    examples: ['agents list', 'agents list -o json'],
  }).action(async (options: { limit?: number }, command: Command) => {
    const request = { path: ['v1', 'agents'], key: 'agents', row: agentForm, limit: options.limit };
    const words = { name: ({ agentId }: AgentAnswer) => agentId, whenEmpty: 'no agents are registered' };
    await presentLooks(context, command, async (api) => listed(await readList(api, request), columns, words));
  });
}

function addGet(agents: Command, context: CliContext): void {
  addReadingCommand(agents, 'get', { summary: 'Show one agent', examples: ['agents get broker-1'] })
    .argument('<agent>', "the agent's id", parseName)
    .action(async (agentId: string, _options: unknown, command: Command) => {
      await presentLooks(context, command, async (api) => {
        const { value, body } = await api.get(['v1', 'agents', agentId], agentForm);
        return { body, table: () => agentFacts(value), names: () => [value.agentId] };
      });
    });
}

function addRemove(agents: Command, context: CliContext): void {
  addDeletingCommand(agents, 'remove', {
    summary: 'Remove an agent that will not come back',
    details: 'A live agent is refused: stop it, or end its session with --force. Its leases pass to others.',
    examples: ['agents remove broker-3', 'agents remove broker-3 --force --yes'],
  })
    .argument('<agent>', "the agent's id", parseName)
    .option('--force', 'remove it also while it is alive: its session ends, and others take over')
    .action(async (agentId: string, options: DeletingOptions & { force?: boolean }, command: Command) => {
      const api = connect(context, command);
      const path = ['v1', 'agents', agentId];
      const force = options.force === true;
      const describe = async (): Promise<string> =>
        describeRemoval((await api.get(path, agentForm)).value, force);
      if (!(await mayDelete(context, command, options, describe))) return;
      const request = { method: 'DELETE', path, ...(force ? { query: { force } } : {}) } as const;
      const { value } = await api.call(request, agentRemovalForm);
      const isAsked = value?.result === 'asked';
      await context.printer.data(
        isAsked
          ? `told agent ${agentId} to end its session, which it does at its next heartbeat\n`
          : `removed agent ${agentId}\n`,
      );
    });
}

/** Nobody is asked about, or promised, what the agent would refuse; whether it still would decides the agent. */
function describeRemoval({ agentId, state, leases }: AgentAnswer, force: boolean): string {
  const held = leases === 1 ? '1 lease' : `${leases ?? 'unknown'} leases`;
  // Expired is not dead: until it is reaped, the session may come back.
  if (typeof state === 'string' && state !== 'dead' && !force) {
    throw new CliFailure(
      exitCode.conflict,
      `agent ${agentId} has a live session (${state}, ${held}); stop it first, or end its session with --force`,
    );
  }
  return `remove agent ${agentId} (${state ?? 'state unknown'}, ${held})`;
}

function agentFacts(agent: AgentAnswer): string {
  return formatFacts([
    ['Agent', agent.agentId],
    ['Group', agent.group],
    ['State', agent.state],
    ['Placement', agent.placement],
    ['Leases', agent.leases],
    ['Weight', agent.weight],
    ['Zone', agent.zone],
    ['Address', agent.address],
    ['Last heartbeat', agent.lastHeartbeatAt],
    ['Expires in', expiryText(agent)],
    ['Metadata', metadataText(agent)],
  ]);
}

function metadataText({ metadata }: AgentAnswer): string | undefined {
  return metadata === undefined ? undefined : JSON.stringify(metadata);
}

function expiryText({ expiresInMs }: AgentAnswer): string | undefined {
  return expiresInMs === null || expiresInMs === undefined
    ? undefined
    : formatDuration(Math.round(expiresInMs));
}
