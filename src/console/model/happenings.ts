// Differences between two reads as sentences. Many alike become one, so that a takeover of thousands is a line to read.
import type { AgentAnswer } from '../../http/schemas/answers/agents.ts';
import type { StatusAnswer } from '../../http/schemas/answers/status.ts';
import type { LeaseChange, LeaseDifference } from './leases.ts';

/** Changes alike that are told one by one. */
const singlyMax = 12;
const examplesMax = 3;

export function leaseSentences(difference: LeaseDifference): string[] {
  const { changed, created, grown, deleted } = difference;
  return [
    ...created.map(({ topic, partitions }) => `topic ${topic} created with ${partitionsOf(partitions)}`),
    ...grown.map(({ topic, from, to }) => `topic ${topic} grew from ${from} to ${partitionsOf(to)}`),
    ...deleted.map((topic) => `topic ${topic} deleted`),
    ...changeSentences(changed),
  ];
}

function partitionsOf(count: number): string {
  return count === 1 ? '1 partition' : `${count} partitions`;
}

function changeSentences(changed: readonly LeaseChange[]): string[] {
  const alike = new Map<string, LeaseChange[]>();
  for (const change of changed) {
    const way = wayOf(change);
    const list = alike.get(way);
    if (list === undefined) alike.set(way, [change]);
    else list.push(change);
  }
  return [...alike].flatMap(([way, changes]) => {
    if (changes.length <= singlyMax) return changes.map(changeSentence);
    const examples = changes.slice(0, examplesMax).map(({ after }) => placeOf(after));
    return [`${changes.length} partitions: ${way} (${examples.join(', ')}, …)`];
  });
}

function changeSentence(change: LeaseChange): string {
  return `${placeOf(change.after)}: ${wayOf(change)} (epoch ${change.after.epoch})`;
}

function wayOf({ before, after }: LeaseChange): string {
  if (before.agentId !== null && before.agentId === after.agentId)
    return `${after.agentId} again, a new term`;
  return `${before.agentId ?? 'nobody'} → ${after.agentId ?? 'nobody'}`;
}

export function placeOf({
  topic,
  partition,
}: {
  readonly topic: string;
  readonly partition: number;
}): string {
  return `${topic}/${partition}`;
}

export function agentSentences(before: readonly AgentAnswer[], after: readonly AgentAnswer[]): string[] {
  const known = new Map(before.map((agent) => [agent.agentId, agent]));
  const now = new Set(after.map(({ agentId }) => agentId));
  return [
    ...after.flatMap((agent) => agentChange(known.get(agent.agentId), agent)),
    ...before.filter(({ agentId }) => !now.has(agentId)).map(({ agentId }) => `agent ${agentId} forgotten`),
  ];
}

function agentChange(before: AgentAnswer | undefined, after: AgentAnswer): string[] {
  const { agentId, state, sessionId } = after;
  if (before === undefined) return [`agent ${agentId} came (${state})`];
  if (before.state !== state) return [`agent ${agentId}: ${before.state} → ${state}`];
  return before.sessionId === sessionId ? [] : [`agent ${agentId} restarted`];
}

export function statusSentences(before: StatusAnswer, after: StatusAnswer): string[] {
  const texts: string[] = [];
  const [was, is] = [before.coordinator, after.coordinator];
  if (was?.agentId !== is?.agentId || was?.epoch !== is?.epoch) {
    const epoch = is === null ? '' : ` (epoch ${is.epoch})`;
    texts.push(`coordinator: ${was?.agentId ?? 'nobody'} → ${is?.agentId ?? 'nobody'}${epoch}`);
  }
  if (before.era.number !== after.era.number) texts.push(`era ${after.era.number} began`);
  if (before.agent.state !== after.agent.state)
    texts.push(`this agent (${after.agent.agentId}): ${before.agent.state} → ${after.agent.state}`);
  return texts;
}
