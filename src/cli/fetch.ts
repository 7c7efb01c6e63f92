// How requests leave: Node's own fetch knows neither Unix sockets nor a certificate authority of one's own, so for these there is the
// library that it is made of.
import { readFileSync } from 'node:fs';
import { Agent, fetch } from 'undici';
import type { Connection } from './connection.ts';
import { exitCode } from './exit-code.ts';
import { CliFailure } from './failure.ts';
import { socketPathOf } from './service-url.ts';

/** Throws CliFailure(78) when the file of the authorities cannot be read. */
export function fetchFor({ url, caFile }: Pick<Connection, 'url' | 'caFile'>): typeof globalThis.fetch {
  const socketPath = socketPathOf(url);
  if (socketPath === undefined && (caFile === undefined || !url.startsWith('https:')))
    return globalThis.fetch;
  const dispatcher = new Agent({
    connect: socketPath === undefined ? { ca: readAuthorities(caFile) } : { socketPath },
  });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the same function as Node's, with types of its own
  return ((input: string, init: object) =>
    fetch(input, { ...init, dispatcher })) as unknown as typeof globalThis.fetch;
}

function readAuthorities(file = ''): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CliFailure(exitCode.configuration, `STREAMHOUSE_CA_FILE cannot be read: ${reason}`);
  }
}
