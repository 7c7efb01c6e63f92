// Making a data directory: initdb, and the rules who may connect how.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { atExit } from './at-exit.ts';
import { postgresBinaries, type PostgresMajor } from './postgres-binaries.ts';
import { giveToServer, unprivilegedUser } from './unprivileged-user.ts';

export interface ClusterOptions {
  readonly major: PostgresMajor;
  readonly dataDir?: string;
  readonly passwordRoles?: Readonly<Record<string, string>>;
}

/**
 * Sees that `home/data` is a data directory: a new one, or a link to the caller's, which is initialised only if
 * it is none yet. Always reached through the home, so that a later run can find the server that uses it.
 */
export async function createCluster(
  home: string,
  options: ClusterOptions,
): Promise<{ dataDir: string; isNew: boolean }> {
  const inHome = join(home, 'data');
  const dataDir = resolve(options.dataDir ?? inHome);
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  if (dataDir !== inHome) symlinkSync(dataDir, inHome);
  giveToServer(dataDir);
  const isNew = !existsSync(join(dataDir, 'PG_VERSION'));
  if (isNew) {
    await initdb(options.major, home, dataDir);
    writeFileSync(join(dataDir, 'pg_hba.conf'), accessRules(Object.keys(options.passwordRoles ?? {})));
  }
  return { dataDir, isNew };
}

async function initdb(major: PostgresMajor, home: string, dataDir: string): Promise<void> {
  const child = spawn(
    postgresBinaries(major).initdb,
    [
      `--pgdata=${dataDir}`,
      '--username=postgres',
      '--auth=trust',
      '--encoding=UTF8',
      '--locale=C',
      '--no-sync', // what a crash of the machine would lose is not worth waiting for
      '--no-instructions',
    ],
    { ...unprivilegedUser(), cwd: home, env: { TZ: 'UTC' }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const output = Promise.all([text(child.stdout), text(child.stderr)]);
  const forget = atExit(() => child.kill('SIGKILL'));
  await once(child, 'exit').finally(forget);
  if (child.exitCode === 0) return;
  throw new Error(`initdb ended with ${child.exitCode}: ${(await output).join('\n')}`);
}

/** The first matching line decides: the roles with passwords come before the trust for all others. */
function accessRules(passwordRoles: readonly string[]): string {
  const withPassword = passwordRoles.flatMap((role) => [
    `local all "${role}" scram-sha-256`,
    `host all "${role}" 127.0.0.1/32 scram-sha-256`,
  ]);
  const trusted = [
    'local all all trust',
    'host all all 127.0.0.1/32 trust',
    'host replication all 127.0.0.1/32 trust',
  ];
  return [...withPassword, ...trusted, ''].join('\n');
}
