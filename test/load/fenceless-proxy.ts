// The fence taken away: stands between brokers and their agent, gives every append the epoch that is current, and takes it to the agent
// that leads. For tests that must see the checks fail; nothing in src knows how.
import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { z } from 'zod';
import type { LoadNode } from './node.ts';

const leaseForm = z.looseObject({ agentId: z.string().nullable(), epoch: z.number() });
const segmentForm = z.looseObject({ epoch: z.number() });
const segmentsForm = z.union([segmentForm, z.array(segmentForm)]);

export class FencelessProxy implements AsyncDisposable {
  private readonly server: Server;
  private readonly nodes: readonly LoadNode[];
  private readonly agentUrl: string;

  static async before(node: LoadNode, nodes: readonly LoadNode[]): Promise<FencelessProxy> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new FencelessProxy(server, node.agentUrl, nodes);
  }

  constructor(server: Server, agentUrl: string, nodes: readonly LoadNode[]) {
    this.server = server;
    this.agentUrl = agentUrl;
    this.nodes = nodes;
    server.on('request', (incoming: IncomingMessage, response: ServerResponse) => {
      void this.serve(incoming, response).catch(() => response.destroy());
    });
  }

  get url(): string {
    const address = this.server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy does not listen');
    return `http://127.0.0.1:${address.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private async serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = /^\/v1\/topics\/([^/]+)\/partitions\/(\d+)\/segments$/.exec(incoming.url ?? '');
    if (incoming.method === 'POST' && path !== null) return this.append(incoming, response, path);
    const onward = request(`${this.agentUrl}${incoming.url}`, {
      method: incoming.method,
      headers: incoming.headers,
    });
    onward.on('error', () => response.destroy());
    onward.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
      answer.on('close', () => response.end());
    });
    response.on('close', () => onward.destroy());
    incoming.pipe(onward);
  }

  private async append(
    incoming: IncomingMessage,
    response: ServerResponse,
    [path, topic, partition]: RegExpExecArray,
  ): Promise<void> {
    const body = segmentsForm.parse(await json(incoming));
    const lease = await fetch(`${this.agentUrl}/v1/leases/${topic}/${partition}`);
    const { agentId, epoch } = leaseForm.parse(await lease.json());
    const leader = this.nodes.find(({ name }) => name === agentId)?.agentUrl ?? this.agentUrl;
    const segments = [body].flat();
    const current = segments.map((segment) => ({ ...segment, epoch }));
    const answer = await fetch(`${leader}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(Array.isArray(body) ? current : current[0]),
    });
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' });
    response.end(await answer.text());
  }
}
