// What an agent says it holds, as claims in the history.
import type { Answer, Held } from './api.ts';
import type { History } from './history.ts';

/** Claims count from answers that come with trust; without it nothing is held. */
export function recordClaims(
  history: History,
  holder: string,
  { sentMs, receivedMs, body: { trustedForMs, leases } }: Extract<Answer<Held>, { kind: 'ok' }>,
): void {
  if (trustedForMs <= 0) return;
  const untilMs = sentMs + trustedForMs;
  for (const { topic, partition, epoch } of leases) {
    history.claims.push({ topic, partition, epoch, holder, sentMs, receivedMs, untilMs });
  }
}
