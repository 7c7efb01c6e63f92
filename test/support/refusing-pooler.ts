// A stand-in for PgBouncer as it is installed: it turns away who begins with `options`, in its own words and code, and then hangs up.
import { once } from 'node:events';
import { createServer } from 'node:net';
import { PostgresMessages } from './postgres-messages.ts';

export async function startRefusingPooler(): Promise<{ readonly port: number } & AsyncDisposable> {
  const server = createServer((client) => {
    const messages = new PostgresMessages('client');
    client.on('error', () => undefined);
    client.on('data', (chunk) => {
      for (const startup of messages.take(chunk)) {
        if (startup.includes('\0options\0')) client.end(fatal('unsupported startup parameter: options'));
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the pooler does not listen');
  return {
    port: address.port,
    [Symbol.asyncDispose]: async () => {
      server.close();
      await once(server, 'close');
    },
  };
}

/** `ErrorResponse`: severity, code and message, each with its letter before and a zero behind. */
function fatal(message: string): Buffer {
  const fields = Buffer.from(`SFATAL\0C08P01\0M${message}\0\0`);
  const head = Buffer.alloc(5);
  head.write('E');
  head.writeUInt32BE(fields.length + 4, 1);
  return Buffer.concat([head, fields]);
}
