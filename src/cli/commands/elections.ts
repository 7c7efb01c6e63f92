// `elections`: who leads which named role, asking a leader to resign, and campaigning for a role.
import type { Command } from 'commander';
import { electionForm, type ElectionAnswer, resignationForm } from '../answers.ts';
import { connect } from '../api.ts';
import { parseEpoch, parseName } from '../arguments.ts';
import { addAskingCommand, addGroup, addListingCommand, addReadingCommand } from '../command.ts';
import type { CliContext } from '../context.ts';
import { readList } from '../listing.ts';
import { presentLooks } from '../looks.ts';
import { listed, presentOne } from '../present.ts';
import { formatFacts, type Column } from '../table.ts';
import { addCampaignCommand } from './campaign.ts';

const columns: readonly Column<ElectionAnswer>[] = [
  { header: 'ELECTION', value: ({ name }) => name },
  { header: 'AGENT', value: ({ agentId }) => agentId },
  { header: 'EPOCH', value: ({ epoch }) => epoch, align: 'right' },
  { header: 'SINCE', value: ({ since }) => since },
];

export function addElectionsCommands(program: Command, context: CliContext): void {
  const elections = addGroup(program, 'elections', {
    summary: 'Show who leads named roles, and campaign for them',
    examples: ['elections list', 'elections campaign compactor -- ./compact.sh'],
  });

  addListingCommand(elections, 'list', {
    summary: 'List the roles that anybody has ever led, and who leads them now',
    examples: ['elections list', 'elections list -o json'],
  }).action(async ({ limit }: { limit?: number }, command: Command) => {
    const request = { path: ['v1', 'elections'], key: 'elections', row: electionForm, limit };
    const words = { name: ({ name }: ElectionAnswer) => name, whenEmpty: 'no role has ever been led' };
    await presentLooks(context, command, async (api) => listed(await readList(api, request), columns, words));
  });

  addReadingCommand(elections, 'get', {
    summary: 'Show who leads one role',
    examples: ['elections get compactor', 'elections get compactor -o json | jq -r .agentId'],
  })
    .argument('<name>', "the role's name", parseName)
    .action(async (name: string, _options: unknown, command: Command) => {
      const path = ['v1', 'elections', name];
      await presentLooks(context, command, async (api) => {
        const { value, body } = await api.get(path, electionForm);
        return { body, table: () => electionFacts(value), names: () => [value.name] };
      });
    });

  addAskingCommand(elections, 'resign', {
    summary: 'Ask whoever leads a role to give it up',
    details:
      'The candidate that leads is told to stop. The role is free when it says that it has, at the latest when its trust is ' +
      'over; then another candidate wins it, or the same one again when there is none. Also for the role "coordinator".',
    examples: ['elections resign compactor', 'elections resign compactor --expected-epoch 4294967301'],
  })
    .argument('<name>', "the role's name", parseName)
    .option('--expected-epoch <n>', 'only the term of this epoch', parseEpoch)
    .action(async (name: string, { expectedEpoch }: { expectedEpoch?: number }, command: Command) => {
      const path = ['v1', 'elections', name, 'resign'];
      const request = { method: 'POST', path, body: { expectedEpoch } } as const;
      const { value, body } = await connect(context, command).call(request, resignationForm);
      const { outcome, agentId, epoch } = value;
      const done =
        outcome === 'vacant'
          ? `nobody leads ${name} (last epoch ${epoch})\n`
          : `asked agent ${agentId} to give up ${name}, epoch ${epoch}\n`;
      await presentOne(context, command, body, () => done, name);
    });

  addCampaignCommand(elections, context);
}

function electionFacts({ name, agentId, epoch, since }: ElectionAnswer): string {
  return formatFacts([
    ['Election', name],
    ['Agent', agentId ?? 'nobody'],
    ['Epoch', epoch],
    ['Since', since],
  ]);
}
