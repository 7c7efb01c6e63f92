// An agent's own events as sentences. What is not known is told by its name, so that a later agent's events show too.

export interface AgentEvent {
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Said all the time, or the beginning of each stream: nothing happened. */
const silent = new Set(['beat', 'snapshot']);
const singlyMax = 12;

export function isHappening({ event }: AgentEvent): boolean {
  return !silent.has(event);
}

/** Many alike at once become one sentence. */
export function eventSentences(agentId: string, events: readonly AgentEvent[]): string[] {
  const alike = new Map<string, AgentEvent[]>();
  for (const each of events.filter(isHappening)) {
    const list = alike.get(each.event);
    if (list === undefined) alike.set(each.event, [each]);
    else list.push(each);
  }
  return [...alike].flatMap(([name, list]) =>
    list.length > singlyMax
      ? [`${agentId} says ${name}, ${list.length} times`]
      : list.map((each) => `${agentId} says ${eventSentence(each)}`),
  );
}

function eventSentence({ event, data }: AgentEvent): string {
  const { topic, partition, name, agentId, epoch, to, reason, generation, state } = data;
  const subject = topic === undefined ? (name ?? agentId) : `${show(topic)}/${show(partition)}`;
  const facts = [
    ...fact('epoch', epoch),
    ...fact('to', to),
    ...fact('generation', generation),
    ...fact('state', state),
    ...fact('because of', reason),
  ];
  const about = subject === undefined || subject === null ? '' : ` ${show(subject)}`;
  return `${event}${about}${facts.length > 0 ? ` (${facts.join(', ')})` : ''}`;
}

function fact(word: string, value: unknown): string[] {
  return value === undefined || value === null ? [] : [`${word} ${show(value)}`];
}

function show(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
