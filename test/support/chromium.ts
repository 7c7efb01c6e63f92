// Where Chromium is. Looked for by the suite that needs it and not before the run: the first time, some 120 MB are downloaded.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { describeFonts, type DebianProgram, findDebian, type Found, type Search } from './debian-programs.ts';

export interface ChromiumBinary {
  /** Absolute. */
  readonly path: string;
  /** What it needs beside the caller's environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** The launcher in `usr/bin` would read the machine's `/etc`. On PATH it is the launcher that is found. */
const chromium = 'usr/lib/chromium/chromium';

const wanted: DebianProgram = {
  name: 'chromium',
  packages: ['chromium', 'fonts-dejavu-core'],
  programs: [chromium],
  // A page shown: `--version` alone says nothing of the libraries that are loaded on the way.
  proof: ['--headless', '--no-sandbox', '--disable-gpu', '--dump-dom', 'about:blank'],
  downloadMsMax: 240_000,
  finish: describeFonts,
};

/** The program, proven to show a page here. */
export async function findChromium(search: Search = {}): Promise<Found<ChromiumBinary>> {
  const answer = await findDebian(wanted, search);
  if (answer.outcome === 'not_there') return answer;
  const { locate, env } = answer.found;
  return { outcome: 'found', found: { path: absolute(locate(chromium), search.env ?? process.env), env } };
}

/** Who starts it may not look on PATH. */
function absolute(program: string, env: NodeJS.ProcessEnv): string {
  if (program.includes('/')) return program;
  const places = (env['PATH'] ?? '').split(':').map((folder) => join(folder, program));
  return places.find((place) => existsSync(place)) ?? program;
}
