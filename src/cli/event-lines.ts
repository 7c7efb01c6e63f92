// Events as lines for people: when, what, of which partition or role, and what there is to know about it. What a later agent
// says beyond that is shown as it came.
import { z } from 'zod';
import type { SourceEvent } from '../client/event-source.ts';
import { formatDuration } from './duration.ts';
import { exitCode } from './exit-code.ts';
import { CliFailure } from './failure.ts';
import { printable } from './printable.ts';

const text = z.string().nullish();
const number = z.number().nullish();

/** Whatever an event may say; a field that is missing or of another kind is left out. */
const eventForm = z.looseObject({
  topic: text.catch(undefined),
  partition: number.catch(undefined),
  epoch: number.catch(undefined),
  name: text.catch(undefined),
  candidate: text.catch(undefined),
  agentId: text.catch(undefined),
  state: text.catch(undefined),
  sessionId: text.catch(undefined),
  generation: number.catch(undefined),
  highWatermark: number.catch(undefined),
  deadlineMs: number.catch(undefined),
  trustedForMs: number.catch(undefined),
  to: text.catch(undefined),
  reason: text.catch(undefined),
  part: number.catch(undefined),
  parts: number.catch(undefined),
  leases: z.array(z.unknown()).nullish().catch(undefined),
});
export type EventFields = z.infer<typeof eventForm>;

/** Throws CliFailure for what no agent says. */
export function parseEventData({ event, data }: SourceEvent): unknown {
  try {
    return JSON.parse(data);
  } catch {
    throw new CliFailure(exitCode.error, `the event ${event} is not an agent's: its data is not JSON`);
  }
}

export function understandEvent(data: unknown): EventFields {
  return eventForm.safeParse(data).data ?? {};
}

const eventWidth = 'assignment.changed'.length;
const subjectWidth = 24;

export function eventLine(time: string, event: string, fields: EventFields): string {
  const facts = factsOf(event, fields).join(', ');
  const line = `${time}  ${event.padEnd(eventWidth)}  ${subjectOf(fields).padEnd(subjectWidth)}  ${facts}`;
  return `${printable(line).trimEnd()}\n`;
}

function subjectOf({ topic, partition, name, agentId }: EventFields): string {
  if (has(topic)) return has(partition) ? `${topic}/${partition}` : topic;
  return name ?? agentId ?? '-';
}

function factsOf(event: string, fields: EventFields): string[] {
  const { epoch, candidate, state, sessionId, generation, highWatermark, deadlineMs, trustedForMs } = fields;
  return [
    ...(has(epoch) ? [`epoch ${epoch}`] : []),
    ...(has(candidate) ? [`candidate ${candidate}`] : []),
    ...(has(highWatermark) ? [`high watermark ${highWatermark}`] : []),
    ...(has(fields.to) ? [`to ${fields.to}`] : []),
    ...(has(deadlineMs) ? [`within ${formatDuration(deadlineMs)}`] : []),
    ...(has(state) ? [state] : []),
    ...(has(fields.leases) ? [`${fields.leases.length} leases`] : []),
    ...(has(sessionId) ? [`session ${sessionId}`] : []),
    ...(has(generation) ? [`generation ${generation}`] : []),
    ...(has(trustedForMs) && (event === 'beat' || event === 'snapshot')
      ? [trustedForMs > 0 ? `trusts its session for ${formatDuration(trustedForMs)}` : 'without trust']
      : []),
    ...(has(fields.reason) ? [fields.reason] : []),
    ...(event === 'agent.changed' && !has(fields.agentId) ? ['an agent came, left or changed'] : []),
  ];
}

function has<T>(value: T | null | undefined): value is T {
  return value !== null && value !== undefined;
}
