// Why a request was not answered as asked: refused by the agent, with its sentence, or not answered at all.
import type { ProblemAnswer } from '../../http/schemas/answers/problem.ts';

export class Refusal extends Error {
  /** HTTP's number; 0 when no answer came. */
  readonly status: number;
  readonly code: string;
  /** How long the agent asks to be left alone, milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(
    status: number,
    code: string,
    sentence: string,
    options: { readonly retryAfterMs?: number | undefined; readonly cause?: unknown } = {},
  ) {
    super(sentence, { cause: options.cause });
    this.name = 'Refusal';
    this.status = status;
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** What an answer that is no success says; something before the agent may have answered in words of its own. */
export async function refusalOf(answer: Response): Promise<Refusal> {
  const said: Partial<ProblemAnswer> = await answer.json().then(
    (body: unknown) => (typeof body === 'object' && body !== null ? body : {}),
    () => ({}),
  );
  const seconds = Number(answer.headers.get('retry-after') ?? Number.NaN);
  const retryAfterMs = said.retryAfterMs ?? (Number.isFinite(seconds) ? seconds * 1_000 : undefined);
  const sentence = said.detail ?? `the answer was ${answer.status} ${answer.statusText}`.trim();
  return new Refusal(answer.status, said.code ?? 'unknown', sentence, { retryAfterMs });
}

/** Whether a change that met this may have been made all the same. */
export function isOutcomeUnknown(error: unknown): boolean {
  return error instanceof Refusal && (error.status === 0 || error.status >= 500);
}

/** A sentence for people about whatever was thrown. */
export function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
