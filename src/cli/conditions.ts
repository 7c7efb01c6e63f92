// What `wait --for` can wait for. A condition is one question to an agent, and says what it saw.
import { InvalidArgumentError } from 'commander';
import { agentStates } from '../domain/agent-state.ts';
import { agentForm, healthForm, leaseForm, rebalanceForm, statusForm, topicForm } from './answers.ts';
import type { Api } from './api.ts';
import { parseName, parsePartitionRef } from './arguments.ts';
import { exitCode } from './exit-code.ts';
import { CliFailure } from './failure.ts';
import { counted } from './load-tables.ts';
import { leftText } from './rebalance-wait.ts';

export interface Sight {
  readonly isMet: boolean;
  /** What is so now, as in "orders/3 is led by b1 under epoch 7". */
  readonly what: string;
}

export interface Condition {
  /** As it was typed. */
  readonly text: string;
  look(api: Api): Promise<Sight>;
}

interface Kind {
  readonly name: string;
  /** As help shows it. */
  readonly usage: string;
  readonly meaning: string;
  readonly example: string;
  /** `value` is what stands behind `=`, undefined without one. Throws InvalidArgumentError. */
  parse(value: string | undefined): Condition['look'];
}

const agentWords = [...agentStates, 'drained', 'gone'] as const;

const kinds: readonly Kind[] = [
  {
    name: 'leader',
    usage: 'leader=TOPIC/PARTITION[:AGENT]',
    meaning: 'the partition is led, by that agent if one is named',
    example: 'leader=orders/3:broker-2',
    parse(value = '') {
      const [ref, agent] = split(value);
      const { topic, partition } = parsePartitionRef(ref);
      const wanted = agent === undefined ? undefined : parseName(agent);
      return (api) => seeLeader(api, topic, partition, wanted);
    },
  },
  {
    name: 'agent',
    usage: 'agent=NAME[:STATE]',
    meaning: `the agent is in that state (default: active): ${agentWords.join(', ')}; drained: it drains and leads nothing any more; gone: nobody knows it`,
    example: 'agent=broker-1:drained',
    parse(value = '') {
      const [name, state = 'active'] = split(value);
      const agentId = parseName(name);
      const word = agentWords.find((each) => each === state);
      if (word === undefined)
        throw new InvalidArgumentError(`States of an agent are ${agentWords.join(', ')}.`);
      return (api) => seeAgent(api, agentId, word);
    },
  },
  {
    name: 'all-led',
    usage: 'all-led',
    meaning: 'every partition of the group is led',
    example: 'all-led',
    parse: withoutValue(seeAllLed),
  },
  {
    name: 'coordinator',
    usage: 'coordinator[=AGENT]',
    meaning: 'somebody is coordinator, that agent if one is named',
    example: 'coordinator',
    parse(value) {
      const wanted = value === undefined ? undefined : parseName(value);
      return (api) => seeCoordinator(api, wanted);
    },
  },
  {
    name: 'topic',
    usage: 'topic=NAME',
    meaning: 'the topic is there',
    example: 'topic=orders',
    parse(value = '') {
      const name = parseName(value);
      return (api) => seeTopic(api, name);
    },
  },
  {
    name: 'moves',
    usage: 'moves=N',
    meaning: 'at most N partitions are on their way, and with 0 the plan is carried out',
    example: 'moves=0',
    parse(value = '') {
      if (!/^\d{1,9}$/.test(value))
        throw new InvalidArgumentError('It must be a whole number, as in moves=0.');
      return (api) => seeMoves(api, Number(value));
    },
  },
  {
    name: 'healthy',
    usage: 'healthy',
    meaning: 'the agent that is asked says that it is ready, as "health" shows',
    example: 'healthy',
    parse: withoutValue(seeHealth),
  },
];

/** A paragraph for the help: every condition, what it means, and an example. */
export const conditionsHelp: string = kinds
  .map(({ usage, meaning, example }) => `  ${usage}\n      ${meaning}\n      such as --for=${example}`)
  .join('\n');

/** Throws InvalidArgumentError with what would be right. */
export function parseCondition(text: string): Condition {
  const equals = text.indexOf('=');
  const name = equals < 0 ? text : text.slice(0, equals);
  const kind = kinds.find((each) => each.name === name);
  if (kind === undefined) {
    throw new InvalidArgumentError(`Conditions are ${kinds.map(({ usage }) => usage).join(', ')}.`);
  }
  return { text, look: kind.parse(equals < 0 ? undefined : text.slice(equals + 1)) };
}

/** At the last colon: names have none. */
function split(value: string): [string, string?] {
  const colon = value.lastIndexOf(':');
  return colon < 0 ? [value] : [value.slice(0, colon), value.slice(colon + 1)];
}

function withoutValue(look: Condition['look']): Kind['parse'] {
  return (value) => {
    if (value !== undefined) throw new InvalidArgumentError('It takes no "=".');
    return look;
  };
}

async function seeLeader(api: Api, topic: string, partition: number, wanted?: string): Promise<Sight> {
  const name = `${topic}/${partition}`;
  const path = ['v1', 'leases', topic, String(partition)];
  const lease = await unlessMissing(async () => (await api.get(path, leaseForm)).value);
  if (lease === undefined) return { isMet: false, what: `there is no ${name}` };
  const { agentId, epoch } = lease;
  if (!agentId) return { isMet: false, what: `nobody leads ${name}` };
  return {
    isMet: wanted === undefined || agentId === wanted,
    what: `${name} is led by ${agentId} under epoch ${epoch ?? 'unknown'}`,
  };
}

async function seeAgent(api: Api, agentId: string, wanted: (typeof agentWords)[number]): Promise<Sight> {
  const path = ['v1', 'agents', agentId];
  const agent = await unlessMissing(async () => (await api.get(path, agentForm)).value);
  if (agent === undefined) return { isMet: wanted === 'gone', what: `there is no agent ${agentId}` };
  const { state, placement, leases } = agent;
  const isDrained = placement === 'draining' && leases === 0;
  const leads = typeof leases === 'number' ? ` and leads ${counted(leases, 'partition', 'partitions')}` : '';
  return {
    isMet: wanted === 'drained' ? isDrained : state === wanted,
    what: `agent ${agentId} is ${state ?? 'in an unknown state'}${leads}`,
  };
}

async function seeAllLed(api: Api): Promise<Sight> {
  const { partitions } = (await api.get(['v1', 'status'], statusForm)).value;
  const { total, unled } = partitions ?? {};
  return {
    isMet: unled === 0,
    what: `${unled ?? 'unknown'} of ${total ?? 'unknown'} partitions are not led`,
  };
}

async function seeCoordinator(api: Api, wanted: string | undefined): Promise<Sight> {
  const { coordinator } = (await api.get(['v1', 'status'], statusForm)).value;
  if (!coordinator) return { isMet: false, what: 'nobody is coordinator' };
  const { agentId } = coordinator;
  return { isMet: wanted === undefined || agentId === wanted, what: `agent ${agentId} is coordinator` };
}

async function seeTopic(api: Api, name: string): Promise<Sight> {
  const topic = await unlessMissing(async () => (await api.get(['v1', 'topics', name], topicForm)).value);
  if (topic === undefined) return { isMet: false, what: `there is no topic ${name}` };
  const partitions = counted(topic.partitionCount ?? 0, 'partition', 'partitions');
  return { isMet: true, what: `topic ${name} has ${partitions}` };
}

async function seeMoves(api: Api, movesMax: number): Promise<Sight> {
  const { value } = await api.get(['v1', 'rebalance'], rebalanceForm);
  const moving = value.partitions?.moving ?? 0;
  const isCarriedOut = !value.applyRequestedAt && (value.wanted ?? 0) === 0;
  return {
    isMet: moving <= movesMax && (movesMax > 0 || isCarriedOut || value.paused),
    what: leftText(value),
  };
}

async function seeHealth(api: Api): Promise<Sight> {
  const { value, isOk } = await api.report({ method: 'GET', path: ['health'] }, healthForm);
  const failed = value.checks.filter(({ ok }) => !ok).map(({ name }) => name);
  if (isOk && failed.length === 0) return { isMet: true, what: 'the agent is ready' };
  return {
    isMet: false,
    what: `the agent is not ready${failed.length === 0 ? '' : `: ${failed.join(', ')}`}`,
  };
}

/** Undefined for what is not there: it may come. */
async function unlessMissing<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof CliFailure && error.exitCode === exitCode.notFound) return undefined;
    throw error;
  }
}
