// PostgreSQL refuses to run as root, and containers often give us nothing else. Then the server runs as
// `nobody`, which exists everywhere: no system user is created for a test.

import { lchownSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

export interface ProcessUser {
  readonly uid: number;
  readonly gid: number;
}

const nobody: ProcessUser = { uid: 65_534, gid: 65_534 };

/** Who the server must run as, ready to be spread into spawn options; undefined = as ourselves. */
export function unprivilegedUser(): ProcessUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const entry = /^nobody:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8'));
  return entry === null ? nobody : { uid: Number(entry[1]), gid: Number(entry[2]) };
}

/** Makes the server's user the owner of a file or of a directory and all below it; links are not followed. */
export function giveToServer(path: string): void {
  const user = unprivilegedUser();
  if (user === undefined) return;
  lchownSync(path, user.uid, user.gid);
  if (!lstatSync(path).isDirectory()) return;
  for (const name of readdirSync(path)) giveToServer(join(path, name));
}
