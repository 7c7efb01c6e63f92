// A broker that ignores every duty: what it was told once that it leads, it leads for ever. It writes under the epoch it heard then,
// whatever has happened since. Behind a fence it can do no harm.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { dirname, join } from 'node:path';
import { json } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { Serial } from '../../src/platform/serial.ts';

const heldForm = z.object({
  leases: z.array(z.object({ topic: z.string(), partition: z.number(), epoch: z.number() })),
});
const batchForm = z.object({ id: z.string(), records: z.array(z.unknown()) });
const segmentsForm = z.object({
  segments: z.array(z.object({ id: z.string(), baseOffset: z.number(), endOffset: z.number() })),
});
const answerForm = z.looseObject({ highWatermark: z.number().optional() });

export class HeedlessBroker implements AsyncDisposable {
  private readonly server: Server = createServer();
  private readonly agentUrl: string;
  private readonly data: string;
  private readonly stop = new AbortController();
  private readonly led = new Map<string, number>();
  private readonly writing = new Serial();

  /** `agentUrl`: what it takes for its agent. */
  static async start(options: { agentUrl: string; data: string; port: number }): Promise<HeedlessBroker> {
    const broker = new HeedlessBroker(options);
    broker.server.listen(options.port, '127.0.0.1');
    await once(broker.server, 'listening');
    return broker;
  }

  constructor({ agentUrl, data }: { agentUrl: string; data: string }) {
    this.agentUrl = agentUrl;
    this.data = data;
    this.server.on('request', (incoming: IncomingMessage, response: ServerResponse) => {
      void this.serve(incoming, response).catch(() => response.destroy());
    });
    void this.listen();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop.abort();
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private async listen(): Promise<void> {
    const { signal } = this.stop;
    while (!signal.aborted) {
      try {
        const answer = await fetch(`${this.agentUrl}/v1/held`, { signal });
        for (const { topic, partition, epoch } of heldForm.parse(await answer.json()).leases) {
          const name = `${topic}/${partition}`;
          if (!this.led.has(name)) this.led.set(name, epoch);
        }
      } catch {
        // Its agent is gone; that changes nothing for this broker.
      }
      await sleep(100, undefined, { signal }).catch(() => undefined);
    }
  }

  private async serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, , topic = '', partition = ''] = (incoming.url ?? '').split('/');
    const batch = batchForm.parse(await json(incoming));
    const epoch = this.led.get(`${topic}/${partition}`);
    const place = epoch && (await this.writing.run(() => this.write({ topic, partition, epoch }, batch)));
    response.writeHead(place ? 200 : 503, { 'content-type': 'application/json' });
    response.end(JSON.stringify(place ?? {}));
  }

  /** Undefined when it was refused. */
  private async write(
    { topic, partition, epoch }: { topic: string; partition: string; epoch: number },
    { id, records }: z.infer<typeof batchForm>,
  ): Promise<object | undefined> {
    const path = `${this.agentUrl}/v1/topics/${topic}/partitions/${partition}`;
    const { highWatermark: baseOffset = 0 } = answerForm.parse(await (await fetch(path)).json());
    const endOffset = baseOffset + records.length - 1;
    const key = `${topic}/${partition}/${epoch}/${randomUUID()}.seg`;
    mkdirSync(dirname(join(this.data, key)), { recursive: true });
    writeFileSync(join(this.data, key), records.map((record) => `${JSON.stringify(record)}\n`).join(''));
    const counts = { recordCount: records.length, sizeBytes: 1, bucket: 'local' };
    const answer = await fetch(`${path}/segments`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ id, epoch, baseOffset, endOffset, key, ...counts }),
    });
    if (answer.ok) return { baseOffset, endOffset };
    // An attempt whose answer was lost may have stored it: a producer would ask for ever.
    const stored = segmentsForm.parse(await (await fetch(`${path}/segments?limit=10000`)).json());
    return stored.segments.find((segment) => segment.id === id);
  }
}
