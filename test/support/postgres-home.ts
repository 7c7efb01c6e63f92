// One directory per server: `streamhouse-test-pg-<owner pid>-<random>` below the temp directory, with `data` and
// `server.log`. The owner's pid in the name is what lets a later run find and stop the servers of a test
// process that was killed with kill -9, without touching those of a run that is still going.

import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { commandLine, isRunning, signalProcess } from './processes.ts';
import { giveToServer } from './unprivileged-user.ts';

const prefix = 'streamhouse-test-pg-';
const immediateShutdownMs = 5_000;

/** A new empty directory that the server's user can reach and write; removed by `removePostgresHome`. */
export function createPostgresHome(): string {
  const home = mkdtempSync(join(tmpdir(), `${prefix}${process.pid}-`));
  giveToServer(home);
  return home;
}

/** Removes a home and all in it. A server that is just dying may still write: hence the retries. */
export function removePostgresHome(home: string): void {
  rmSync(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
}

/** The first line and the status line of `postmaster.pid`; undefined while there is none. */
export function readPostmasterFile(dataDir: string): { pid: number; status: string } | undefined {
  try {
    const lines = readFileSync(join(dataDir, 'postmaster.pid'), 'utf8').split('\n');
    return { pid: Number(lines[0]), status: lines[7]?.trim() ?? '' };
  } catch {
    return undefined;
  }
}

/** Stops the servers and removes the homes of owners that no longer run. Returns the homes removed. */
export async function removeLeftovers(): Promise<string[]> {
  const leftovers = readdirSync(tmpdir())
    .filter(isLeftover)
    .map((name) => join(tmpdir(), name));
  await Promise.all(
    leftovers.map(async (home) => {
      await stopOrphan(join(home, 'data'));
      removePostgresHome(home);
    }),
  );
  return leftovers;
}

function isLeftover(name: string): boolean {
  const owner = new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1];
  if (owner === undefined || isRunning(Number(owner))) return false;
  const myUid = process.getuid?.();
  const uid = lstatSync(join(tmpdir(), name), { throwIfNoEntry: false })?.uid;
  return uid !== undefined && (myUid === undefined || myUid === 0 || uid === myUid);
}

async function stopOrphan(dataDir: string): Promise<void> {
  const pid = readPostmasterFile(dataDir)?.pid;
  if (pid === undefined || !isPostmasterOf(pid, dataDir)) return;
  signalProcess(pid, 'SIGQUIT'); // immediate shutdown: unlike SIGKILL it takes its children and shared memory along
  const deadline = performance.now() + immediateShutdownMs;
  while (isPostmasterOf(pid, dataDir) && performance.now() < deadline) await sleep(20);
  if (isPostmasterOf(pid, dataDir)) signalProcess(pid, 'SIGKILL');
}

/** The pid file may name a process that has nothing to do with us: the command line must name this directory. */
function isPostmasterOf(pid: number, dataDir: string): boolean {
  const [program, ...args] = commandLine(pid);
  return (
    program !== undefined && basename(program) === 'postgres' && args.some((arg) => resolve(arg) === dataDir)
  );
}
