// The example broker beside an agent, as a process, and what it says of its terms (examples/broker/broker.js).
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Clock } from '../platform/clock.ts';
import type { Child } from './children.ts';
import type { BrokerTerm } from './history.ts';

export const brokerScript = fileURLToPath(new URL('../../examples/broker/broker.js', import.meta.url));

const ofTerm = { topic: z.string(), partition: z.int(), epoch: z.int(), atMs: z.number() };
const announcement = z.discriminatedUnion('msg', [
  z.object({ msg: z.literal('listening') }),
  z.object({ msg: z.literal('term begun'), ...ofTerm }),
  z.object({ msg: z.literal('term ended'), ...ofTerm, reason: z.string(), askedAtMs: z.number().optional() }),
]);
/** What its client logs as an error. */
const complaint = z.object({ msg: z.string(), error: z.string() });

export class BrokerProcess {
  readonly agentId: string;
  readonly child: Child;
  private readonly clock: Clock;

  constructor(agentId: string, child: Child, clock: Clock) {
    this.agentId = agentId;
    this.child = child;
    this.clock = clock;
  }

  isListening(): boolean {
    return this.announcements().some(({ msg }) => msg === 'listening');
  }

  /** All terms so far, in the order they began, times by our own clock. */
  terms(): BrokerTerm[] {
    // One machine, one clock: ours only began to count later.
    const sinceMs = Number(process.hrtime.bigint()) / 1e6 - this.clock.monotonicMs();
    const terms: BrokerTerm[] = [];
    for (const said of this.announcements()) {
      if (said.msg === 'listening') continue;
      const { topic, partition, epoch } = said;
      const atMs = said.atMs - sinceMs;
      if (said.msg === 'term begun') {
        const { agentId } = this;
        terms.push({ topic, partition, epoch, agentId, begunMs: atMs, end: undefined });
        continue;
      }
      const index = terms.findLastIndex(
        (term) => term.topic === topic && term.partition === partition && term.epoch === epoch,
      );
      const term = terms[index];
      if (term === undefined) continue;
      const askedMs = said.askedAtMs === undefined ? undefined : said.askedAtMs - sinceMs;
      terms[index] = { ...term, end: { atMs, reason: said.reason, askedMs } };
    }
    return terms;
  }

  complaints(): string[] {
    return this.child.said().flatMap((record) => {
      const { data } = complaint.safeParse(record);
      return data === undefined ? [] : [`${this.child.name}: ${data.msg}: ${data.error}`];
    });
  }

  private announcements(): z.infer<typeof announcement>[] {
    return this.child.said().flatMap((record) => announcement.safeParse(record).data ?? []);
  }
}
