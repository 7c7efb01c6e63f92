// How requests leave: by the way that the URL says, trusting the authorities of STREAMHOUSE_CA_FILE where it is set.
import { readFileSync } from 'node:fs';
import { fetchFor } from '../client/way.ts';
import type { Connection } from './connection.ts';
import { exitCode } from './exit-code.ts';
import { CliFailure } from './failure.ts';

/** Throws CliFailure(78) when the file of the authorities is needed and cannot be read. */
export function fetchOf({ url, caFile }: Pick<Connection, 'url' | 'caFile'>): typeof globalThis.fetch {
  const isAsked = caFile !== undefined && url.startsWith('https:');
  return fetchFor(url, isAsked ? readAuthorities(caFile) : undefined);
}

function readAuthorities(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CliFailure(exitCode.configuration, `STREAMHOUSE_CA_FILE cannot be read: ${reason}`);
  }
}
