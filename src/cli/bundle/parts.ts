// What a bundle is made of: each part one question to the agent, answered or not.
import { z } from 'zod';
import { systemClock } from '../../platform/clock.ts';
import type { Api } from '../api.ts';
import { CliFailure } from '../failure.ts';
import { readList } from '../listing.ts';
import type { Redaction } from './redact.ts';

export interface Part {
  readonly file: string;
  /** When it was asked for. */
  readonly at: string;
  readonly tookMs: number;
  /** Undefined when it could not be had. */
  readonly text: string | undefined;
  readonly failure: CliFailure | undefined;
}

interface Question {
  readonly file: string;
  readonly ask: (api: Api) => Promise<unknown>;
}

const anything = z.unknown();

const questions: readonly Question[] = [
  one('status.json', 'v1', 'status'),
  one('agent.json', 'v1', 'agent'),
  one('held.json', 'v1', 'held'),
  list('agents.json', 'agents'),
  list('topics.json', 'topics'),
  list('leases.json', 'leases'),
  list('elections.json', 'elections'),
  one('rebalance.json', 'v1', 'rebalance'),
  { file: 'plan.json', ask: (api) => pages(api, 'plan', 'moves') },
  {
    file: 'health.json',
    ask: async (api) => (await api.report({ method: 'GET', path: ['health'] }, anything)).body,
  },
  { file: 'metrics.txt', ask: (api) => api.text(['metrics']) },
  {
    // The whole description is in the repository; which one it is tells its version.
    file: 'openapi-version.json',
    ask: async (api) =>
      (await api.get(['openapi.json'], z.object({ openapi: anything, info: anything }))).value,
  },
];

/** So many at once: one that does not answer holds up few others, and the agent is not crowded either. */
const atOnce = 4;

export async function askAll(api: Api, redaction: Redaction): Promise<readonly Part[]> {
  const parts: Part[] = [];
  for (let index = 0; index < questions.length; index += atOnce) {
    const some = questions.slice(index, index + atOnce);
    parts.push(...(await Promise.all(some.map((question) => answerOf(question, api, redaction)))));
  }
  return parts;
}

async function answerOf({ file, ask }: Question, api: Api, redaction: Redaction): Promise<Part> {
  const at = new Date(systemClock.wallMs()).toISOString();
  const startedMs = systemClock.monotonicMs();
  const part = (text: string | undefined, failure?: CliFailure): Part => ({
    file,
    at,
    tookMs: Math.round(systemClock.monotonicMs() - startedMs),
    text,
    failure,
  });
  try {
    const answer = await ask(api);
    if (typeof answer === 'string') return part(redaction.text(answer));
    return part(`${JSON.stringify(redaction.json(answer), undefined, 2)}\n`);
  } catch (error) {
    if (!(error instanceof CliFailure)) throw error;
    return part(undefined, error);
  }
}

function one(file: string, ...path: string[]): Question {
  return { file, ask: async (api) => (await api.get(path, anything)).body };
}

function list(file: string, name: string): Question {
  return { file, ask: (api) => pages(api, name, name) };
}

async function pages(api: Api, name: string, key: string): Promise<unknown> {
  return (await readList(api, { path: ['v1', name], key, row: anything })).body;
}
