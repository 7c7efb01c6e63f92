// An agent's elections as a test tells them: event streams, campaigns and resignations over a real socket, without a store. Time is
// real; what an agent says and when is the test's.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { z } from 'zod';

const bodyForm = z.looseObject({ candidate: z.string().optional(), stream: z.string().optional() });

export class ScriptedAgent implements AsyncDisposable {
  /** Every request that changes something, as `campaign job cli-1`. */
  readonly asked: string[] = [];
  /** What the next answer says of the candidate: under which epoch it leads, null while it waits. */
  epoch: number | null = null;
  trustedForMs = 60_000;
  beats = true;
  readonly url: string;
  private readonly streams = new Set<ServerResponse>();
  private readonly close: () => Promise<void>;
  private readonly timer = setInterval(() => this.beat(), 100);

  private constructor(url: string, close: () => Promise<void>) {
    this.url = url;
    this.close = close;
  }

  static async start(): Promise<ScriptedAgent> {
    const server = createServer((request, response) => void agent.answer(request, response));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (typeof address !== 'object' || address === null) throw new Error('no port');
    const close = async (): Promise<void> => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    };
    const agent = new ScriptedAgent(`http://127.0.0.1:${address.port}`, close);
    return agent;
  }

  /** Event streams that are open. */
  get open(): number {
    return this.streams.size;
  }

  /** Tells all streams. */
  tell(event: string, data: object): void {
    for (const stream of this.streams) stream.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  win(candidate: string, epoch: number): void {
    this.epoch = epoch;
    this.tell('election.won', { name: 'job', candidate, epoch });
  }

  lose(candidate: string, reason: string): void {
    const { epoch } = this;
    this.epoch = null;
    this.tell('election.lost', { name: 'job', candidate, epoch, reason });
  }

  /** Every stream breaks off. */
  cut(): void {
    for (const stream of this.streams) stream.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.timer);
    await this.close();
  }

  private beat(): void {
    if (this.beats) this.tell('beat', { trustedForMs: this.trustedForMs });
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', this.url);
    if (pathname === '/v1/events') {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('event: snapshot\ndata: {"part":1,"parts":1,"leases":[]}\n\n');
      this.streams.add(response);
      response.once('close', () => this.streams.delete(response));
      return;
    }
    const [, , , name = '', verb = ''] = pathname.split('/');
    const { candidate = '' } = bodyForm.parse(await json(request));
    this.asked.push(`${verb} ${name} ${candidate}`);
    if (verb === 'resign') this.epoch = null;
    const state = this.epoch === null ? 'waiting' : 'leading';
    const trustedForMs = this.epoch === null ? 0 : this.trustedForMs;
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ name, candidate, state, ownEpoch: this.epoch, trustedForMs }));
  }
}
