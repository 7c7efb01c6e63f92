// The database file: made where it is missing, for this user's eyes only.
import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { StoreMisconfigured } from '../../domain/refusal.ts';

/** SQLite gives its log and shared memory beside the file the same permissions. */
const ownerOnly = 0o600;

/**
 * Creates the file, empty, and its directory. One that exists is not even opened: closing it again would drop the locks that
 * SQLite holds on it for other connections of this process.
 */
export function createFile(file: string): void {
  if (existsSync(file)) return;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    closeSync(openSync(file, 'wx', ownerOnly));
  } catch (error) {
    if (isCode(error, 'EEXIST') && existsSync(file)) return;
    const why = error instanceof Error ? error.message : String(error);
    throw new StoreMisconfigured(
      `the database file ${file} cannot be created (${why}); make its directory writable, or name another file in DATABASE_URL`,
      { cause: error },
    );
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
