// What a route says of itself for the API's description, beside its schemas: `schema: { doc: {…}, querystring, response }`.
import type { ProblemCode } from '../problem.ts';

/** Tags in the order in which the description shows them. */
export const tags = {
  health: 'Probes, metrics and this description. Open without a token, whatever the Host header says.',
  status: 'This agent, and the cluster in one page.',
  broker: 'For the broker beside this agent: what it may write, and what happens to that.',
  agents: 'The agents of the group.',
  leases: 'Who leads which partition.',
  placement: 'What the plan wants, how far it is carried out, and why.',
  elections: 'Who leads which named role.',
  topics: 'Topics and their partitions.',
  segments: 'Segments and high watermarks. Every write names the epoch of the term it is made under.',
  groups: 'Consumer groups and their committed offsets.',
} as const;

export interface OperationDoc {
  /** Unique; what generated clients call the method. */
  readonly id: string;
  readonly tag: keyof typeof tags;
  /** What it does, in a few words and without a full stop. */
  readonly summary: string;
  /** What surprises. */
  readonly description?: string;
  /** The refusals of its own; those that every route of its kind has are added (problem-responses.ts). */
  readonly refuses?: readonly ProblemCode[];
  /** Whether it answers without the store, so that it is never `unavailable`. */
  readonly isStoreless?: true;
  /** What its answers are when not JSON. */
  readonly answersAs?: 'text/plain' | 'text/html' | 'text/event-stream';
  /** Headers of its good answers, with what they say. */
  readonly answerHeaders?: Readonly<Record<string, string>>;
}

declare module 'fastify' {
  interface FastifySchema {
    readonly doc?: OperationDoc;
  }
}
