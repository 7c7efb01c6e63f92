// This agent's event stream, read by fetch so that the token goes with it. It never attaches a broker: nobody's life hangs on a
// page. Cut, it goes on where it was, after a growing and jittered pause.
import { createParser } from 'eventsource-parser';
import type { Api } from './api.ts';
import { backoff, sleep } from './sleep.ts';
import type { AgentEvent } from './told.ts';

/** An agent that trusts its session says something twice a second, and one that does not says so every few. */
const silenceMaxMs = 20_000;

export interface EventStreamListener {
  readonly onState: (state: 'connecting' | 'open' | 'cut') => void;
  readonly onEvent: (event: AgentEvent) => void;
}

export class EventStream {
  readonly #api: Api;
  readonly #listener: EventStreamListener;
  #running: AbortController | undefined;
  #lastEventId: string | undefined;

  constructor(api: Api, listener: EventStreamListener) {
    this.#api = api;
    this.#listener = listener;
  }

  start(): void {
    if (this.#running !== undefined) return;
    this.#running = new AbortController();
    void this.#run(this.#running.signal);
  }

  stop(): void {
    this.#running?.abort();
    this.#running = undefined;
  }

  async #run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      this.#listener.onState('connecting');
      // Whatever ended it, an agent that stops included: the same begins again.
      const heard = await this.#follow(signal).catch(() => false);
      if (signal.aborted) return;
      failures = heard ? 1 : failures + 1;
      this.#listener.onState('cut');
      await sleep(backoff(failures), signal).catch(() => undefined);
    }
  }

  /** Until the stream ends; whether anything came. */
  async #follow(signal: AbortSignal): Promise<boolean> {
    await this.#api.ready(signal);
    const silence = new AbortController();
    let timer = setTimeout(() => silence.abort(), silenceMaxMs);
    try {
      const headers: Record<string, string> =
        this.#lastEventId === undefined ? {} : { 'last-event-id': this.#lastEventId };
      const answer = await this.#api.send(
        'v1/events',
        { headers },
        AbortSignal.any([signal, silence.signal]),
      );
      if (answer.body === null) return false;
      this.#listener.onState('open');
      const parser = createParser({ onEvent: (event) => this.#take(event) });
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return true;
        clearTimeout(timer);
        timer = setTimeout(() => silence.abort(), silenceMaxMs);
        parser.feed(value);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  #take({
    id,
    event = 'message',
    data,
  }: {
    id?: string | undefined;
    event?: string | undefined;
    data: string;
  }): void {
    if (id !== undefined) this.#lastEventId = id;
    const parsed: unknown = JSON.parse(data);
    if (typeof parsed === 'object' && parsed !== null) this.#listener.onEvent({ event, data: { ...parsed } });
  }
}
