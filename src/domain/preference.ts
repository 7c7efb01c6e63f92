// Preferred agents: an operator's word in a topic's config on who should lead its partitions. `prefer` is for all of them,
// `prefer.3` for partition 3 alone, and goes before the other. Each names agents, the best first: one, a list with commas, or
// an array. It is advice: who is not there, or not willing, is passed over.
import { NAME_PATTERN } from './limits.ts';
import type { JsonObject } from './topic.ts';

const key = 'prefer';
const prefix = `${key}.`;

/** Agents that one key may name. */
const agentsMax = 16;

/** The agents that should lead a partition of one topic, best first. */
export type Preferred = (partition: number) => readonly string[];

/** What the planner is to go by. What is malformed is passed over: no topic's config may keep the others from being planned. */
export function readPreferences(config: JsonObject): Preferred {
  const forAll = readAgents(config[key]) ?? [];
  const forOne = new Map<number, readonly string[]>();
  for (const [name, value] of Object.entries(config)) {
    const partition = readPartition(name);
    const agents = partition === undefined ? undefined : readAgents(value);
    if (partition !== undefined && agents) forOne.set(partition, agents);
  }
  return (partition) => forOne.get(partition) ?? forAll;
}

/** What is wrong with the preferences in the config of a topic of so many partitions, for a person; undefined: nothing. */
export function checkPreferences(config: JsonObject, partitionCount: number): string | undefined {
  for (const [name, value] of Object.entries(config)) {
    if (name !== key && !name.startsWith(prefix)) continue;
    const mistake = mistakeInKey(name, partitionCount) ?? mistakeInAgents(value);
    if (mistake) return `config key "${name}": ${mistake}`;
  }
  return undefined;
}

function mistakeInKey(name: string, partitionCount: number): string | undefined {
  if (name === key) return undefined;
  const partition = readPartition(name);
  if (partition === undefined) {
    return `"${name.slice(prefix.length)}" is no partition; write ${prefix}0 for the first`;
  }
  if (partition < partitionCount) return undefined;
  return `there is no partition ${partition}; the topic has ${partitionCount}, 0 to ${partitionCount - 1}`;
}

function mistakeInAgents(value: unknown): string | undefined {
  const named = split(value);
  if (!named) return 'must be an agent id, several with commas between them, or an array of them';
  if (named.length === 0) return 'names no agent; leave the key out where none is preferred';
  if (named.length > agentsMax) return `names ${named.length} agents; at most ${agentsMax} are allowed`;
  const wrong = named.find((each) => !isAgentId(each));
  if (wrong !== undefined) {
    return `${JSON.stringify(wrong)} is no agent id (1 to 249 of A-Z a-z 0-9 . _ -)`;
  }
  const twice = named.filter(isAgentId).find((each, i, all) => all.indexOf(each) < i);
  return twice === undefined ? undefined : `names agent "${twice}" twice`;
}

function readAgents(value: unknown): readonly string[] | undefined {
  const agents = [...new Set(split(value)?.filter(isAgentId))].slice(0, agentsMax);
  return agents.length === 0 ? undefined : agents;
}

function split(value: unknown): readonly unknown[] | undefined {
  if (Array.isArray(value)) return value;
  if (typeof value !== 'string') return undefined;
  return value.trim() === '' ? [] : value.split(',').map((each) => each.trim());
}

function isAgentId(value: unknown): value is string {
  return typeof value === 'string' && NAME_PATTERN.test(value);
}

/** As it is written canonically: `prefer.07` would be a second word for `prefer.7`. */
function readPartition(name: string): number | undefined {
  const digits = name.startsWith(prefix) ? name.slice(prefix.length) : '';
  return /^(0|[1-9]\d{0,5})$/.test(digits) ? Number(digits) : undefined;
}
