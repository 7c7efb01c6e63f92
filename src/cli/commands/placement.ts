// `agents cordon|uncordon|drain`: what an operator says of an agent. It stays said until it is taken back.
import type { Command } from 'commander';
import { agentForm, type AgentAnswer } from '../answers.ts';
import { type Api, connect } from '../api.ts';
import { parseName } from '../arguments.ts';
import { addAskingCommand, addSteeringCommand } from '../command.ts';
import { timeoutOf } from '../connection.ts';
import { type DeletingOptions, mayDelete, steering } from '../confirmation.ts';
import type { CliContext } from '../context.ts';
import { partitionsText, waitUntilEmpty } from '../drain-wait.ts';
import { readList } from '../listing.ts';
import { presentOne } from '../present.ts';

export function addPlacementCommands(agents: Command, context: CliContext): void {
  addCordon(agents, context);
  addUncordon(agents, context);
  addDrain(agents, context);
}

function addCordon(agents: Command, context: CliContext): void {
  addAskingCommand(agents, 'cordon', {
    summary: 'Give an agent nothing new: what it leads stays with it',
    details: 'It stays cordoned, also over its restarts, until "agents uncordon".',
    examples: ['agents cordon broker-1'],
  })
    .argument('<agent>', "the agent's id", parseName)
    .action(async (agentId: string, _options: unknown, command: Command) => {
      const { body } = await place(connect(context, command), agentId, 'cordon');
      const done = `cordoned agent ${agentId}: it keeps what it leads and gets nothing new\n`;
      await presentOne(context, command, body, () => done, agentId);
    });
}

function addUncordon(agents: Command, context: CliContext): void {
  addAskingCommand(agents, 'uncordon', {
    summary: 'Let an agent take partitions again, after a cordon or a drain',
    examples: ['agents uncordon broker-1'],
  })
    .argument('<agent>', "the agent's id", parseName)
    .action(async (agentId: string, _options: unknown, command: Command) => {
      const { body } = await place(connect(context, command), agentId, 'uncordon');
      const done = `agent ${agentId} takes partitions again\n`;
      await presentOne(context, command, body, () => done, agentId);
    });
}

interface DrainOptions extends DeletingOptions {
  readonly wait?: boolean;
  /** Shared with all commands: bounds each answer, and here the whole wait as well. */
  readonly timeout?: number;
}

function addDrain(agents: Command, context: CliContext): void {
  addSteeringCommand(agents, 'drain', {
    summary: 'Hand over all that an agent leads, and give it nothing new',
    details:
      "Partitions are handed over one by one with their brokers' acknowledgement. It stays drained, also over its\n" +
      'restarts, until "agents uncordon". With --wait, --timeout bounds the whole wait (default: no bound).',
    examples: ['agents drain broker-1', 'agents drain broker-1 --yes --wait --timeout 5m'],
  })
    .argument('<agent>', "the agent's id", parseName)
    .option('--wait', 'return only when it leads nothing any more')
    .action(async (agentId: string, options: DrainOptions, command: Command) => {
      const api = connect(context, command);
      if (!(await mayDelete(context, command, options, () => describeDrain(api, agentId), steering))) return;
      let { value, body } = await place(api, agentId, 'drain');
      if (options.wait === true) {
        ({ value, body } = await waitUntilEmpty(context, api, agentId, timeoutOf(command)));
      }
      await presentOne(context, command, body, () => drainText(value, options.wait === true), agentId);
    });
}

async function place(api: Api, agentId: string, verb: 'cordon' | 'uncordon' | 'drain') {
  return api.call({ method: 'POST', path: ['v1', 'agents', agentId, verb], body: {} }, agentForm);
}

/** Says also when there would be nobody to hand over to. */
async function describeDrain(api: Api, agentId: string): Promise<string> {
  const { value } = await api.get(['v1', 'agents', agentId], agentForm);
  const { rows } = await readList(api, { path: ['v1', 'agents'], key: 'agents', row: agentForm });
  const taking = rows.filter((each) => each.agentId !== agentId && each.state === 'active').length;
  const others =
    taking === 0
      ? 'no other agent takes any now, so that nobody would lead them'
      : taking === 1
        ? '1 other agent takes them'
        : `${taking} other agents take them`;
  return `drain agent ${agentId} (${value.state ?? 'state unknown'}), which leads ${partitionsText(value)}; ${others}`;
}

function drainText(agent: AgentAnswer, hasWaited: boolean): string {
  const { agentId } = agent;
  if (hasWaited) return `drained agent ${agentId}: it leads nothing\n`;
  return `draining agent ${agentId}, which leads ${partitionsText(agent)}; "agents uncordon ${agentId}" takes it back\n`;
}
