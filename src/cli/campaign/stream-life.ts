// What the agent's event stream tells a candidate that lives on it: that it is there, signs of life, its losses, its end.
import { z } from 'zod';
import type { SourceEvent } from '../../client/event-source.ts';
import { Bell } from '../../platform/bell.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Api } from '../api.ts';
import { CliFailure } from '../failure.ts';

const electionForm = z.object({ name: z.string(), candidate: z.string(), epoch: z.number() });
const lossForm = electionForm.extend({ reason: z.string() });

export interface Loss {
  readonly epoch: number;
  readonly reason: string;
}

export class StreamLife {
  /** Rings whenever something was heard that a candidate acts on. */
  readonly bell = new Bell();
  /** The first event has come: the stream may be named in requests. */
  isOpen = false;
  /** When the last sign of life came, own clock. */
  lastBeatMs: number;
  isSuspended = false;
  loss: Loss | undefined;
  /** Why there is no stream (any more). */
  end: CliFailure | 'ended' | undefined;
  private readonly clock: Clock;
  private readonly role: string;
  private readonly candidate: string;

  constructor(clock: Clock, role: string, candidate: string) {
    this.clock = clock;
    this.role = role;
    this.candidate = candidate;
    this.lastBeatMs = clock.monotonicMs();
  }

  /** Reads the stream of this name to its end. Never rejects. */
  async read(api: Api, stream: string): Promise<void> {
    const request = { method: 'GET', path: ['v1', 'events'], query: { stream } } as const;
    try {
      for await (const event of api.events(request, { lastEventId: undefined, onOpen: () => undefined })) {
        this.hear(event);
      }
      this.end = 'ended';
    } catch (error) {
      // Once open it may break off in any way.
      this.end = error instanceof CliFailure && !this.isOpen ? error : 'ended';
    }
    this.bell.ring();
  }

  private hear({ event, data }: SourceEvent): void {
    switch (event) {
      case 'snapshot':
        this.isOpen = true;
        this.lastBeatMs = this.clock.monotonicMs();
        break;
      case 'beat':
        this.lastBeatMs = this.clock.monotonicMs();
        return;
      case 'session.suspended':
        this.isSuspended = true;
        break;
      case 'session.resumed':
        this.isSuspended = false;
        break;
      case 'election.lost': {
        const lost = lossForm.safeParse(parsed(data)).data;
        if (lost?.name !== this.role || lost.candidate !== this.candidate) return;
        this.loss = { epoch: lost.epoch, reason: lost.reason };
        break;
      }
      case 'election.won': {
        const won = electionForm.safeParse(parsed(data)).data;
        if (won?.name !== this.role || won.candidate !== this.candidate) return;
        break;
      }
      default:
        return;
    }
    this.bell.ring();
  }
}

function parsed(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return undefined;
  }
}
