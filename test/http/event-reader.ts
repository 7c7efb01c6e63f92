// A reader of an event stream over a real socket that can stop reading, crash, and tell everything it was sent.
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import type { Socket } from 'node:net';
import { createParser } from 'eventsource-parser';

export interface ReadEvent {
  readonly id: string | undefined;
  readonly event: string | undefined;
  readonly data: Readonly<Record<string, unknown>>;
}

export class EventReader implements Disposable {
  readonly response: IncomingMessage;
  readonly socket: Socket;
  readonly events: ReadEvent[] = [];
  readonly comments: string[] = [];
  /** Numbers of the journal's events that came, in order. */
  readonly numbers: number[] = [];
  /** Everything as it came. */
  text = '';
  /** `ended`: the server said so; `cut`: the connection was broken. */
  over: 'ended' | 'cut' | undefined;

  constructor(response: IncomingMessage) {
    this.response = response;
    this.socket = response.socket;
    const parser = createParser({
      onEvent: ({ id, event, data }) => {
        this.events.push({ id, event, data: JSON.parse(data) });
        if (id !== undefined && event !== 'snapshot') this.numbers.push(Number(id.split(':')[1]));
      },
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
    this.socket.destroy();
  }

  pause(): void {
    this.response.pause();
  }

  resume(): void {
    this.response.resume();
  }

  /** Reads at least so many bytes, and stops again. */
  async readSome(bytes: number): Promise<void> {
    let left = bytes;
    await new Promise<void>((resolve) => {
      const onData = (text: string): void => {
        left -= text.length;
        if (left > 0) return;
        this.response.off('data', onData);
        this.response.pause();
        resolve();
      };
      this.response.on('data', onData);
      this.response.resume();
    });
  }

  get stream(): string {
    return String(this.response.headers['streamhouse-stream']);
  }

  /** Events of these types, in order. */
  of(...types: readonly string[]): readonly ReadEvent[] {
    return this.events.filter(({ event }) => types.includes(event ?? ''));
  }
}

/** Connects, and answers when the head has come. */
export async function readEvents(
  port: number,
  query = '',
  headers: Readonly<Record<string, string>> = {},
): Promise<EventReader> {
  return new EventReader(await openEvents(port, query, headers));
}

/** The same, unread. */
export async function openEvents(
  port: number,
  query = '',
  headers: Readonly<Record<string, string>> = {},
): Promise<IncomingMessage> {
  // As fetch and browsers ask: the connection might go on.
  const asked = { connection: 'keep-alive', ...headers };
  const path = `/v1/events${query}`;
  const outgoing = request({ host: '127.0.0.1', port, path, headers: asked, agent: false });
  outgoing.end();
  const [response] = await once(outgoing, 'response');
  outgoing.on('error', () => undefined);
  return response;
}
