// One event stream over HTTP (text/event-stream) as an async iterable: from the answer's head to the stream's end. Who reads it
// decides what an event means and whether to connect again.
import { createParser } from 'eventsource-parser';
import { NotAnAgents } from './errors.ts';

export interface SourceEvent {
  /** Where a later stream may go on from; only where the event itself has one. */
  readonly id: string | undefined;
  /** `message` when the stream does not say. */
  readonly event: string;
  readonly data: string;
}

export interface ReadEventsOptions {
  /** Sent as `Last-Event-ID`: the last event that is known of an earlier stream. */
  readonly lastEventId?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  readonly fetch?: typeof globalThis.fetch;
  /** The stream is there, before its first event. */
  readonly onOpen?: (headers: Headers) => void;
}

/** The answer was no event stream; it has been read to its end. */
export class StreamRefused extends Error {
  override readonly name = 'StreamRefused';
  readonly answer: { readonly status: number; readonly contentType: string; readonly text: string };

  constructor(answer: StreamRefused['answer']) {
    super(`the answer is no event stream (${answer.status} ${answer.contentType})`);
    this.answer = answer;
  }
}

/** An agent's events are far shorter. What is longer comes from something else, and must not fill the memory. */
const eventCharsMax = 4 * 1024 * 1024;

/**
 * Ends when the stream does. Throws StreamRefused, and as `fetch` does when nobody answers, the stream breaks off or `signal`
 * aborts. Who stops reading early (`break`) closes the connection.
 */
export async function* readEvents(
  url: string,
  options: ReadEventsOptions = {},
): AsyncGenerator<SourceEvent, void> {
  const { lastEventId, headers = {}, signal, fetch = globalThis.fetch, onOpen } = options;
  const response = await fetch(url, {
    headers: {
      ...headers,
      accept: 'text/event-stream, application/problem+json',
      ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
    },
    // A redirect leads to a login page or away from the token's owner, never to an agent.
    redirect: 'manual',
    ...(signal === undefined ? {} : { signal }),
  });
  const [contentType = ''] = (response.headers.get('content-type') ?? '').toLowerCase().split(';');
  if (response.status !== 200 || contentType.trim() !== 'text/event-stream' || response.body === null) {
    throw new StreamRefused({
      status: response.status,
      contentType: contentType.trim(),
      text: await response.text(),
    });
  }
  onOpen?.(response.headers);
  for await (const pieces of arrivals(response.body)) {
    for (const piece of pieces) if ('data' in piece) yield piece;
  }
}

/** An event, or a comment that stands between events. */
export type Arrival = SourceEvent | { readonly comment: string };

/** What each piece of an event stream brings, in order. Throws when it cannot be one. */
export async function* arrivals(body: AsyncIterable<Uint8Array>): AsyncGenerator<readonly Arrival[], void> {
  let arrived: Arrival[] = [];
  let fault: Error | undefined;
  const parser = createParser({
    maxBufferSize: eventCharsMax,
    onEvent: ({ id, event = 'message', data }) => arrived.push({ id, event, data }),
    onComment: (comment) => arrived.push({ comment: comment.trim() }),
    onError: (error) => {
      // A field that a later version adds is no fault.
      if (error.type !== 'max-buffer-size-exceeded') return;
      fault = new NotAnAgents(`an event of more than ${eventCharsMax} characters`, { cause: error });
    },
  });
  const decoder = new TextDecoder();
  for await (const bytes of body) {
    parser.feed(decoder.decode(bytes, { stream: true }));
    const pieces = arrived;
    arrived = [];
    yield pieces;
    if (fault !== undefined) throw fault;
  }
}
