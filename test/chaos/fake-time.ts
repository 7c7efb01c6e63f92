// Wall clocks of agents that can be set while they run, by libfaketime: this machine's, or Debian's package.
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Env } from '../e2e/cluster.ts';
import { findDebian, type Found } from '../support/debian-programs.ts';

export interface FakeTime extends Disposable {
  /** What an agent whose clock is to be set must be started with. */
  envOf(agentId: string): Env;
  /** Whose content is how far its clock is off, such as `+3600`; read at each look at the clock. */
  fileOf(agentId: string): string;
}

export async function findFakeTime(): Promise<Found<FakeTime>> {
  const answer = await findDebian({
    name: 'faketime',
    packages: ['faketime', 'libfaketime'],
    alone: true,
    programs: ['usr/bin/faketime'],
  });
  if (answer.outcome === 'not_there') return answer;
  const library = libraryBelow(join(answer.found.tree ?? '/', 'usr/lib'));
  if (library === undefined)
    return { outcome: 'not_there', reason: 'libfaketime.so.1 is not where Debian has it' };
  const directory = mkdtempSync(join(tmpdir(), 'streamhouse-chaos-clocks-'));
  const fileOf = (agentId: string): string => join(directory, agentId);
  const found: FakeTime = {
    fileOf,
    envOf: (agentId) => ({
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: fileOf(agentId),
      FAKETIME_NO_CACHE: '1',
      // A step is of the wall clock; the other one cannot be set on a real machine either.
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    }),
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
  return { outcome: 'found', found };
}

function libraryBelow(directory: string): string | undefined {
  if (!existsSync(directory)) return undefined;
  return readdirSync(directory)
    .map((architecture) => join(directory, architecture, 'faketime/libfaketime.so.1'))
    .find((path) => existsSync(path));
}
