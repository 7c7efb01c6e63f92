// `topics`: create, look at, grow and delete topics.
import type { Command } from 'commander';
import { z } from 'zod';
import type { JsonObject } from '../../domain/topic.ts';
import { partitionForm, topicForm, type PartitionAnswer, type TopicAnswer } from '../answers.ts';
import { connect } from '../api.ts';
import { parseName, parsePartitionCount, parseRetentionMs } from '../arguments.ts';
import {
  addAskingCommand,
  addDeletingCommand,
  addGroup,
  addListingCommand,
  addReadingCommand,
} from '../command.ts';
import { mayDelete, type DeletingOptions } from '../confirmation.ts';
import type { CliContext } from '../context.ts';
import { formatDuration } from '../duration.ts';
import { readList } from '../listing.ts';
import { presentLooks } from '../looks.ts';
import { parsePreference, type Preferences, preferredBeyond } from '../preferences.ts';
import { listed, presentOne } from '../present.ts';
import { formatFacts, formatTable, type Column } from '../table.ts';
import { parseTopicConfig } from '../topic-config.ts';

const topicColumns: readonly Column<TopicAnswer>[] = [
  { header: 'TOPIC', value: ({ name }) => name },
  { header: 'PARTITIONS', value: ({ partitionCount }) => partitionCount, align: 'right' },
  { header: 'RETENTION', value: retentionText },
  { header: 'CREATED', value: ({ createdAt }) => createdAt },
  { header: 'CONFIG', value: configText, isWide: true },
];

const partitionColumns: readonly Column<PartitionAnswer>[] = [
  { header: 'PARTITION', value: ({ partition }) => partition, align: 'right' },
  { header: 'LEADER', value: ({ leader }) => leader },
  { header: 'EPOCH', value: ({ epoch }) => epoch, align: 'right' },
  { header: 'HIGH-WATERMARK', value: ({ highWatermark }) => highWatermark, align: 'right' },
  { header: 'START-OFFSET', value: ({ startOffset }) => startOffset, align: 'right' },
];

export function addTopicsCommands(program: Command, context: CliContext): void {
  const topics = addGroup(program, 'topics', {
    summary: 'List, create, describe, grow and delete topics',
    examples: ['topics list', 'topics create orders --partitions 12'],
  });
  addList(topics, context);
  addCreate(topics, context);
  addDescribe(topics, context);
  addGrow(topics, context);
  addDelete(topics, context);
}

function addList(topics: Command, context: CliContext): void {
  addListingCommand(topics, 'list', {
    summary: 'List the topics of the group',
    examples: ['topics list', 'topics list -o json | jq -r ".topics[].name"'],
  }).action(async (options: { limit?: number }, command: Command) => {
    const request = { path: ['v1', 'topics'], key: 'topics', row: topicForm, limit: options.limit };
    const words = {
      name: ({ name }: TopicAnswer) => name,
      whenEmpty: 'no topics yet; create one with "streamhouse topics create NAME --partitions N"',
    };
    await presentLooks(context, command, async (api) =>
      listed(await readList(api, request), topicColumns, words),
    );
  });
}

interface CreateOptions {
  readonly partitions: number;
  readonly retentionMs?: number;
  readonly config?: JsonObject;
  readonly prefer?: Preferences;
}

function addCreate(topics: Command, context: CliContext): void {
  addAskingCommand(topics, 'create', {
    summary: 'Create a topic',
    examples: [
      'topics create orders --partitions 12',
      'topics create audit --partitions 3 --retention-ms 604800000 --config owner=billing tier=cold',
      `topics create audit --partitions 3 --config '{"replicas": 3}'`,
      'topics create orders --partitions 12 --prefer broker-1,broker-2 --prefer 3=broker-3',
    ],
  })
    .argument('<name>', "the topic's name", parseName)
    .requiredOption('--partitions <n>', 'how many partitions it has', parsePartitionCount)
    .option(
      '--retention-ms <n>',
      'how long segments are meant to be kept (default: for ever)',
      parseRetentionMs,
    )
    .option(
      '--config <key=value...>',
      'settings for brokers, kept with the topic; or one JSON object',
      parseTopicConfig,
    )
    .option(
      '--prefer <agents>',
      'who should lead it while there and willing, best first: a,b for all partitions, 3=c for partition 3; repeatable',
      parsePreference,
    )
    .action(async (name: string, options: CreateOptions, command: Command) => {
      const { partitions: partitionCount, retentionMs, prefer = {} } = options;
      const beyond = preferredBeyond(prefer, partitionCount);
      if (beyond !== undefined) {
        command.error(
          `error: --prefer ${beyond}=… is for no partition of it: they are 0 to ${partitionCount - 1}`,
        );
      }
      const config = options.prefer === undefined ? options.config : { ...options.config, ...prefer };
      const answer = await connect(context, command).call(
        { method: 'POST', path: ['v1', 'topics'], body: { name, partitionCount, retentionMs, config } },
        topicForm,
      );
      const done = `created topic ${name} with ${partitionsText(partitionCount)}\n`;
      await presentOne(context, command, answer.body, () => done, name);
    });
}

function addDescribe(topics: Command, context: CliContext): void {
  addReadingCommand(topics, 'describe', {
    summary: 'Show a topic, and the leader, epoch and high watermark of each of its partitions',
    examples: ['topics describe orders'],
  })
    .argument('<name>', "the topic's name", parseName)
    .action(async (name: string, _options: unknown, command: Command) => {
      const path = ['v1', 'topics', name];
      const list = { path: [...path, 'partitions'], key: 'partitions', row: partitionForm };
      await presentLooks(context, command, async (api) => {
        const topic = await api.get(path, topicForm);
        const partitions = await readList(api, list);
        return {
          body: { topic: topic.body, ...partitions.body },
          table: () => [topicFacts(topic.value), formatTable(partitionColumns, partitions.rows)].join('\n'),
          names: () => [name],
        };
      });
    });
}

function addGrow(topics: Command, context: CliContext): void {
  addAskingCommand(topics, 'add-partitions', {
    summary: 'Give a topic more partitions',
    details: 'The partitions that it has stay as they are; there is no way to have fewer.',
    examples: ['topics add-partitions orders --partitions 24'],
  })
    .argument('<name>', "the topic's name", parseName)
    .requiredOption('--partitions <n>', 'how many partitions it shall have in all', parsePartitionCount)
    .action(async (name: string, { partitions }: { partitions: number }, command: Command) => {
      const answer = await connect(context, command).call(
        { method: 'POST', path: ['v1', 'topics', name, 'partitions'], body: { partitionCount: partitions } },
        z.unknown(),
      );
      const done = `topic ${name} has ${partitionsText(partitions)}\n`;
      await presentOne(context, command, answer.body, () => done, name);
    });
}

function addDelete(topics: Command, context: CliContext): void {
  addDeletingCommand(topics, 'delete', {
    summary: 'Delete a topic with its segments and committed offsets',
    details:
      'Objects in the object store stay, and epochs are never forgotten: a topic of the same name continues them.',
    examples: ['topics delete orders', 'topics delete orders --dry-run', 'topics delete orders --yes'],
  })
    .argument('<name>', "the topic's name", parseName)
    .action(async (name: string, options: DeletingOptions, command: Command) => {
      const api = connect(context, command);
      const path = ['v1', 'topics', name];
      const describe = async (): Promise<string> => {
        const { partitionCount } = (await api.get(path, topicForm)).value;
        return `delete topic ${name}: ${partitionsText(partitionCount)}, their segments and all offsets committed for them`;
      };
      if (!(await mayDelete(context, command, options, describe))) return;
      await api.perform({ method: 'DELETE', path });
      await context.printer.data(`deleted topic ${name}\n`);
    });
}

function topicFacts(topic: TopicAnswer): string {
  return formatFacts([
    ['Topic', topic.name],
    ['Partitions', topic.partitionCount],
    ['Retention', retentionText(topic)],
    ['Config', configText(topic)],
    ['Created', topic.createdAt],
  ]);
}

function configText({ config }: TopicAnswer): string | undefined {
  return config === undefined ? undefined : JSON.stringify(config);
}

function retentionText({ retentionMs }: TopicAnswer): string {
  return retentionMs === null || retentionMs === undefined ? 'forever' : formatDuration(retentionMs);
}

function partitionsText(count: number | null | undefined): string {
  if (count === null || count === undefined) return 'its partitions';
  return count === 1 ? '1 partition' : `${count} partitions`;
}
