// `groups`: consumer groups and their committed offsets.
import type { Command } from 'commander';
import { z } from 'zod';
import {
  committedOffsetForm,
  consumerGroupForm,
  type CommittedOffsetAnswer,
  type ConsumerGroupAnswer,
} from '../answers.ts';
import { connect, type Api } from '../api.ts';
import { parseName, parseOffset, parsePartitionRef, type PartitionRef } from '../arguments.ts';
import {
  addAskingCommand,
  addDeletingCommand,
  addGroup,
  addListingCommand,
  addReadingCommand,
} from '../command.ts';
import { mayDelete, type DeletingOptions } from '../confirmation.ts';
import type { CliContext } from '../context.ts';
import { readList, type Listing } from '../listing.ts';
import { presentLooks } from '../looks.ts';
import { listed, presentOne } from '../present.ts';
import { formatFacts, formatTable, type Column } from '../table.ts';

const groupColumns: readonly Column<ConsumerGroupAnswer>[] = [
  { header: 'GROUP', value: ({ group }) => group },
  { header: 'CREATED', value: ({ createdAt }) => createdAt },
];

const offsetColumns: readonly Column<CommittedOffsetAnswer>[] = [
  { header: 'PARTITION', value: ({ topic, partition }) => `${topic}/${partition}` },
  { header: 'OFFSET', value: ({ offset }) => offset, align: 'right' },
  { header: 'COMMITTED', value: ({ committedAt }) => committedAt },
  { header: 'METADATA', value: ({ metadata }) => metadata },
];

export function addGroupsCommands(program: Command, context: CliContext): void {
  const groups = addGroup(program, 'groups', {
    summary: 'List, describe, commit for and delete consumer groups',
    examples: ['groups list', 'groups describe billing'],
  });
  addList(groups, context);
  addDescribe(groups, context);
  addCommit(groups, context);
  addDelete(groups, context);
}

function addList(groups: Command, context: CliContext): void {
  addListingCommand(groups, 'list', {
    summary: 'List the consumer groups',
    examples: ['groups list', 'groups list -o json'],
  }).action(async ({ limit }: { limit?: number }, command: Command) => {
    const request = { path: ['v1', 'groups'], key: 'groups', row: consumerGroupForm, limit };
    const words = {
      name: ({ group }: ConsumerGroupAnswer) => group,
      whenEmpty: 'no consumer groups; the first commit makes one',
    };
    await presentLooks(context, command, async (api) =>
      listed(await readList(api, request), groupColumns, words),
    );
  });
}

function addDescribe(groups: Command, context: CliContext): void {
  addReadingCommand(groups, 'describe', {
    summary: 'Show a consumer group and all its committed offsets',
    examples: ['groups describe billing'],
  })
    .argument('<group>', "the group's name", parseName)
    .action(async (group: string, _options: unknown, command: Command) => {
      await presentLooks(context, command, async (api) => {
        const { rows, body } = await readOffsets(api, group);
        const { createdAt } = api.understand(consumerGroupForm, body);
        const facts = formatFacts([
          ['Group', group],
          ['Created', createdAt],
        ]);
        return {
          body,
          table: () => [facts, formatTable(offsetColumns, rows)].join('\n'),
          names: () => [group],
        };
      });
    });
}

function addCommit(groups: Command, context: CliContext): void {
  addAskingCommand(groups, 'commit', {
    summary: 'Commit an offset for a consumer group',
    details:
      'A committed offset is the next one to read. It may go back (a reset), not beyond the high watermark. A group that does not exist is created.',
    examples: [
      'groups commit billing orders/3 1200',
      'groups commit billing orders/3 0 --metadata "replay of May"',
    ],
  })
    .argument('<group>', "the group's name", parseName)
    .argument('<topic/partition>', 'the partition', parsePartitionRef)
    .argument('<offset>', 'the next offset to read', parseOffset)
    .option('--metadata <text>', 'kept with the offset')
    .action(
      async (
        group: string,
        { topic, partition }: PartitionRef,
        offset: number,
        { metadata }: { metadata?: string },
        command: Command,
      ) => {
        const path = ['v1', 'groups', group, 'offsets', topic, String(partition)];
        const request = { method: 'PUT', path, body: { offset, metadata } } as const;
        const { body } = await connect(context, command).call(request, z.unknown());
        const done = `committed offset ${offset} of ${topic}/${partition} for group ${group}\n`;
        await presentOne(context, command, body, () => done, group);
      },
    );
}

function addDelete(groups: Command, context: CliContext): void {
  addDeletingCommand(groups, 'delete', {
    summary: 'Delete a consumer group with its committed offsets',
    examples: ['groups delete billing', 'groups delete billing --dry-run', 'groups delete billing --yes'],
  })
    .argument('<group>', "the group's name", parseName)
    .action(async (group: string, options: DeletingOptions, command: Command) => {
      const api = connect(context, command);
      const describe = async (): Promise<string> => {
        const { length } = (await readOffsets(api, group)).rows;
        return `delete group ${group}: ${length === 1 ? '1 committed offset' : `${length} committed offsets`}`;
      };
      if (!(await mayDelete(context, command, options, describe))) return;
      await api.perform({ method: 'DELETE', path: ['v1', 'groups', group] });
      await context.printer.data(`deleted group ${group}\n`);
    });
}

/** The group's answer is itself a list, of its offsets. */
function readOffsets(api: Api, group: string): Promise<Listing<CommittedOffsetAnswer>> {
  return readList(api, { path: ['v1', 'groups', group], key: 'offsets', row: committedOffsetForm });
}
