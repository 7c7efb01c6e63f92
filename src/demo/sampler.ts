// Asks all live agents at once what they hold and trust, ten times a second, and writes it down. Whether two ever held the
// same partition is judged later, from the times of questions and answers (checks/terms.ts).
import type { Clock } from '../platform/clock.ts';
import type { AgentApi, Answer, Held } from './api.ts';
import type { History } from './history.ts';

export interface Witness {
  readonly agentId: string;
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
      live().map(async (witness) => {
        const answer = await witness.api.held(timeoutMs);
        if (answer.kind === 'ok') recordClaims(history, witness, answer);
      }),
    );
    history.moments += 1;
    await clock.sleep(everyMs, signal);
  }
}

/** Claims count from answers that come with trust; without it nothing is held. */
function recordClaims(
  history: History,
  { agentId, holder }: Witness,
  { sentMs, receivedMs, body: { trustedForMs, leases } }: Extract<Answer<Held>, { kind: 'ok' }>,
): void {
  if (trustedForMs <= 0) return;
  for (const { topic, partition, epoch } of leases) {
    history.claims.push({ topic, partition, epoch, agentId, holder, sentMs, receivedMs });
  }
}
