// `leases release|move`: what operators ask of the holder of one partition.
import type { Command } from 'commander';
import { leaseForm, steeringForm, type SteeringAnswer } from '../answers.ts';
import { type Api, connect } from '../api.ts';
import { parseEpoch, parseName, parsePartitionRef, type PartitionRef } from '../arguments.ts';
import { addSteeringCommand } from '../command.ts';
import { type DeletingOptions, mayDelete, steering } from '../confirmation.ts';
import type { CliContext } from '../context.ts';
import { presentOne } from '../present.ts';

interface SteeringOptions extends DeletingOptions {
  readonly to?: string;
  readonly expectedEpoch?: number;
  readonly force?: boolean;
}

interface Verb {
  readonly name: 'release' | 'move';
  /** `ask agent b to give up orders/3`, without the term. */
  describe(partition: string, holder: string | null, options: SteeringOptions): string;
  done(partition: string, answer: SteeringAnswer): string;
}

const release: Verb = {
  name: 'release',
  describe: (partition, holder) =>
    holder === null ? `do nothing: nobody leads ${partition}` : `ask agent ${holder} to give up ${partition}`,
  done: (partition, { agentId, result }) =>
    result === 'vacant'
      ? `nobody leads ${partition}: there was nothing to ask for\n`
      : `asked agent ${agentId} to give up ${partition}\n`,
};

const move: Verb = {
  name: 'move',
  describe: (partition, holder, { to }) =>
    `move ${partition} from ${holder === null ? 'nobody' : `agent ${holder}`} to ${to === undefined ? 'the least loaded other agent' : `agent ${to}`}`,
  done(partition, { agentId, result, to }) {
    if (result === 'in_place') return `agent ${to} leads ${partition} already, and is to go on\n`;
    if (result === 'vacant') return `agent ${to} is to lead ${partition}, which nobody leads\n`;
    return `agent ${to} is to lead ${partition}; agent ${agentId} hands it over\n`;
  },
};

export function addLeaseSteeringCommands(leases: Command, context: CliContext): void {
  const released = addSteeringCommand(leases, 'release', {
    summary: 'Ask the leader of a partition to give it up',
    details:
      'Whoever the plan wants takes it then, which may be the same agent under a new epoch; "leases move" changes that.',
    examples: ['leases release orders/3', 'leases release orders/3 --expected-epoch 7 --yes'],
  });
  addVerb(released, context, release);

  const moved = addSteeringCommand(leases, 'move', {
    summary: 'Move the leadership of a partition to another agent, which keeps it',
    details:
      'The partition stays there until that agent leaves, drains or stops listing its topic, whatever balance would say.',
    examples: ['leases move orders/3 --to broker-2', 'leases move orders/3 --dry-run'],
  }).option('--to <agent>', 'who shall lead it (default: the least loaded other agent)', parseName);
  addVerb(moved, context, move);
}

function addVerb(command: Command, context: CliContext, verb: Verb): void {
  command
    .argument('<topic/partition>', 'the partition', parsePartitionRef)
    .option('--expected-epoch <n>', 'only if it is led, or was led last, under this epoch', parseEpoch)
    .option('--force', "also end its leader's session, with all that it leads: for one that does not answer")
    .action(async ({ topic, partition }: PartitionRef, options: SteeringOptions, self: Command) => {
      const api = connect(context, self);
      const path = ['v1', 'leases', topic, String(partition)];
      const shown: { epoch?: number } = {};
      const describe = () => describeDeed(api, path, verb, options, shown);
      if (!(await mayDelete(context, self, options, describe, steering))) return;
      // What was agreed to is what is done: not to a term that began while the question stood.
      const expectedEpoch = options.expectedEpoch ?? shown.epoch;
      const body = { expectedEpoch, to: options.to, force: options.force };
      const answer = await api.call({ method: 'POST', path: [...path, verb.name], body }, steeringForm);
      const name = `${topic}/${partition}`;
      await presentOne(context, self, answer.body, () => verb.done(name, answer.value), name);
    });
}

/** Notes in `shown` the epoch that the sentence speaks of. */
async function describeDeed(
  api: Api,
  path: readonly string[],
  verb: Verb,
  options: SteeringOptions,
  shown: { epoch?: number },
): Promise<string> {
  const { topic, partition, agentId, epoch } = (await api.get(path, leaseForm)).value;
  const holder = agentId ?? null;
  if (typeof epoch === 'number') shown.epoch = epoch;
  const deed = verb.describe(`${topic}/${partition}`, holder, options);
  if (holder === null) return deed;
  const force =
    options.force === true ? `, and end the session of agent ${holder} with all that it leads` : '';
  return `${deed} (epoch ${epoch ?? 'unknown'})${force}`;
}
