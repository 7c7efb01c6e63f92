// A reader of an event stream over a real socket that can stop reading, crash, and tell everything it was sent.
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { createParser } from 'eventsource-parser';

export interface ReadEvent {
  readonly id: string | undefined;
  readonly event: string | undefined;
  readonly data: Readonly<Record<string, unknown>>;
}

export class EventReader implements Disposable {
  readonly response: IncomingMessage;
  readonly events: ReadEvent[] = [];
  readonly comments: string[] = [];
  /** Everything as it came. */
  text = '';
  /** `ended`: the server said so; `cut`: the connection was broken. */
  over: 'ended' | 'cut' | undefined;

  constructor(response: IncomingMessage) {
    this.response = response;
    const parser = createParser({
      onEvent: ({ id, event, data }) => this.events.push({ id, event, data: JSON.parse(data) }),
      onComment: (comment) => this.comments.push(comment),
    });
    response.setEncoding('utf8');
    response.on('data', (text: string) => {
      this.text += text;
      parser.feed(text);
    });
    response.on('error', () => (this.over ??= 'cut'));
    response.on('close', () => (this.over ??= response.complete ? 'ended' : 'cut'));
  }

  [Symbol.dispose](): void {
    this.crash();
  }

  /** The connection is gone without a word. */
  crash(): void {
    this.response.socket.destroy();
  }

  pause(): void {
    this.response.pause();
  }

  resume(): void {
    this.response.resume();
  }

  get stream(): string {
    return String(this.response.headers['streamhouse-stream']);
  }

  /** Events of these types, in order. */
  of(...types: readonly string[]): readonly ReadEvent[] {
    return this.events.filter(({ event }) => types.includes(event ?? ''));
  }

  /** Numbers of the journal's events that came, in order. */
  get numbers(): readonly number[] {
    return this.events
      .filter(({ id, event }) => id !== undefined && event !== 'snapshot')
      .map(({ id }) => Number(id?.split(':')[1]));
  }
}

/** Connects, and answers when the head has come. */
export async function readEvents(
  port: number,
  query = '',
  headers: Readonly<Record<string, string>> = {},
): Promise<EventReader> {
  const outgoing = request({ host: '127.0.0.1', port, path: `/v1/events${query}`, headers, agent: false });
  outgoing.end();
  const [response] = await once(outgoing, 'response');
  outgoing.on('error', () => undefined);
  return new EventReader(response);
}
