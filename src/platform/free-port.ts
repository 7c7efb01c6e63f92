// A TCP port nobody listens on. Chosen below the ephemeral range (32768 on Linux, 49152 elsewhere) instead of
// by "listen on 0": an ephemeral port can be taken by any outgoing connection between kill and restart of a
// server, and a client that keeps retrying a closed ephemeral port on loopback can even connect to itself.

import { once } from 'node:events';
import { createServer } from 'node:net';

const lowest = 20_000;
const highest = 32_000;
const attemptsMax = 100;

/** A port on 127.0.0.1 that was free a moment ago; whoever binds it must still be ready to lose the race. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest));
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port between ${lowest} and ${highest} after ${attemptsMax} attempts`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen({ port, host: '127.0.0.1', exclusive: true });
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
