// `leases`: who leads which partition, under which epoch.
import type { Command } from 'commander';
import { leaseForm, type LeaseAnswer, termForm, type TermAnswer } from '../answers.ts';
import { parseName, parsePartitionRef, type PartitionRef } from '../arguments.ts';
import { addGroup, addListingCommand, addReadingCommand } from '../command.ts';
import type { CliContext } from '../context.ts';
import { formatDuration } from '../duration.ts';
import { readList } from '../listing.ts';
import { presentLooks } from '../looks.ts';
import { listed } from '../present.ts';
import { formatFacts, type Column } from '../table.ts';
import { addLeaseSteeringCommands } from './lease-steering.ts';

const columns: readonly Column<LeaseAnswer>[] = [
  { header: 'PARTITION', value: partitionText },
  { header: 'AGENT', value: ({ agentId }) => agentId },
  { header: 'ADDRESS', value: ({ address }) => address },
  { header: 'EPOCH', value: ({ epoch }) => epoch, align: 'right' },
  { header: 'EXPIRES-IN', value: expiryText, align: 'right' },
  { header: 'ACQUIRED', value: ({ acquiredAt }) => acquiredAt },
];

const termColumns: readonly Column<TermAnswer>[] = [
  { header: 'EPOCH', value: ({ epoch }) => epoch, align: 'right' },
  { header: 'AGENT', value: ({ agentId }) => agentId },
  { header: 'FROM', value: ({ from }) => from },
  { header: 'TO', value: ({ to }) => to },
  { header: 'REASON', value: ({ reason }) => reason },
];

interface ListOptions {
  readonly topic?: string;
  readonly agent?: string;
  readonly unleased?: boolean;
  readonly limit?: number;
}

export function addLeasesCommands(program: Command, context: CliContext): void {
  const leases = addGroup(program, 'leases', {
    summary: 'Show who leads which partition, and change it',
    examples: ['leases list --topic orders', 'leases get orders/3', 'leases move orders/3 --to broker-2'],
  });
  addListingCommand(leases, 'list', {
    summary: 'List the leases of all partitions, also of those that nobody leads',
    examples: [
      'leases list',
      'leases list --topic orders',
      'leases list --agent broker-1',
      'leases list --unleased',
    ],
  })
    .option('--topic <name>', 'only of this topic', parseName)
    .option('--agent <id>', 'only what this agent holds', parseName)
    .option('--unleased', 'only what nobody holds')
    .action(async ({ limit, ...filter }: ListOptions, command: Command) => {
      if (filter.unleased === true && filter.agent !== undefined) {
        command.error('error: --unleased and --agent exclude each other: what nobody holds no agent holds');
      }
      const query = { topic: filter.topic, agent: filter.agent, unleased: filter.unleased };
      const request = { path: ['v1', 'leases'], key: 'leases', row: leaseForm, query, limit };
      const whenEmpty = filter.unleased === true ? 'every partition is led' : 'no partition fits';
      await presentLooks(context, command, async (api) =>
        listed(await readList(api, request), columns, { name: partitionText, whenEmpty }),
      );
    });

  addReadingCommand(leases, 'get', {
    summary: 'Show who leads one partition',
    examples: ['leases get orders/3', 'leases get orders/3 -o json | jq -r .address'],
  })
    .argument('<topic/partition>', 'the partition', parsePartitionRef)
    .action(async ({ topic, partition }: PartitionRef, _options: unknown, command: Command) => {
      const path = ['v1', 'leases', topic, String(partition)];
      await presentLooks(context, command, async (api) => {
        const { value, body } = await api.get(path, leaseForm);
        return { body, table: () => leaseFacts(value), names: () => [partitionText(value)] };
      });
    });

  addListingCommand(leases, 'history', {
    summary: 'Show who led one partition when, and how each term ended, the newest first',
    examples: ['leases history orders/3', 'leases history orders/3 --limit 5'],
  })
    .argument('<topic/partition>', 'the partition', parsePartitionRef)
    .action(async ({ topic, partition }: PartitionRef, { limit }: ListOptions, command: Command) => {
      const path = ['v1', 'leases', topic, String(partition), 'history'];
      const request = { path, key: 'history', row: termForm, limit };
      const words = { name: ({ epoch }: TermAnswer) => String(epoch), whenEmpty: 'nobody has led it yet' };
      await presentLooks(context, command, async (api) =>
        listed(await readList(api, request), termColumns, words),
      );
    });
  addLeaseSteeringCommands(leases, context);
}

function leaseFacts(lease: LeaseAnswer): string {
  return formatFacts([
    ['Partition', partitionText(lease)],
    ['Agent', lease.agentId ?? 'nobody'],
    ['Address', lease.address],
    ['Epoch', lease.epoch],
    ['Acquired', lease.acquiredAt],
    ['Expires in', expiryText(lease)],
  ]);
}

function partitionText({ topic, partition }: LeaseAnswer): string {
  return `${topic}/${partition}`;
}

function expiryText({ expiresInMs }: LeaseAnswer): string | undefined {
  return expiresInMs === null || expiresInMs === undefined
    ? undefined
    : formatDuration(Math.round(expiresInMs));
}
