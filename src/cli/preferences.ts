// `--prefer` of a topic: who should lead its partitions, best first, as keys of its config.
import { InvalidArgumentError } from 'commander';
import { NAME_PATTERN, PARTITION_COUNT_MAX } from '../domain/limits.ts';

/** By key of the config: `prefer` for all partitions, `prefer.3` for one. Agents, best first, separated by commas. */
export type Preferences = Readonly<Record<string, string>>;

/** Adds one `--prefer` value to those before it: `a,b` for all partitions, `3=c` for one. */
export function parsePreference(text: string, before: Preferences = {}): Preferences {
  const [, partition, list = text] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
  const key = partition === undefined ? 'prefer' : `prefer.${partitionNumber(partition)}`;
  if (key in before) {
    const what = partition === undefined ? 'for all partitions' : `for partition ${Number(partition)}`;
    throw new InvalidArgumentError(`It was given ${what} before: name all agents at once, as in a,b.`);
  }
  const agents = list.split(',').map((agent) => agent.trim());
  if (!agents.every((agent) => NAME_PATTERN.test(agent))) {
    throw new InvalidArgumentError(
      'It must be agents, best first, such as a,b, or 3=c for partition 3 alone.',
    );
  }
  const [twice] = agents.filter((agent, index) => agents.indexOf(agent) !== index);
  if (twice !== undefined) throw new InvalidArgumentError(`It names ${twice} twice.`);
  return { ...before, [key]: agents.join(',') };
}

/** The first key that is about a partition which a topic of this many has not, as its number. */
export function preferredBeyond(preferences: Preferences, partitionCount: number): number | undefined {
  return Object.keys(preferences)
    .filter((key) => key !== 'prefer')
    .map((key) => Number(key.slice('prefer.'.length)))
    .find((partition) => partition >= partitionCount);
}

function partitionNumber(text: string): number {
  if (/^\d+$/.test(text) && Number(text) < PARTITION_COUNT_MAX) return Number(text);
  throw new InvalidArgumentError(`"${text}" is no partition: write 3=c for partition 3.`);
}
