// Asks all live agents at once what they hold and trust, ten times a second, and writes it down. Whether two ever held the
// same partition is judged later, from the times of questions and answers (checks/terms.ts).
import type { Clock } from '../platform/clock.ts';
import type { AgentApi } from './api.ts';
import { recordClaims } from './claims.ts';
import type { History } from './history.ts';

export interface Witness {
  readonly holder: string;
  readonly api: AgentApi;
}

const everyMs = 100;
const timeoutMs = 500;

export async function sample(
  deps: { readonly clock: Clock; readonly history: History },
  live: () => readonly Witness[],
  signal: AbortSignal,
): Promise<void> {
  const { clock, history } = deps;
  while (!signal.aborted) {
    await Promise.all(
      live().map(async ({ holder, api }) => {
        const answer = await api.held(timeoutMs);
        if (answer.kind === 'ok') recordClaims(history, holder, answer);
      }),
    );
    history.moments += 1;
    await clock.sleep(everyMs, signal);
  }
}
