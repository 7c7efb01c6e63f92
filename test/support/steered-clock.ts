// A wall clock that a test steers, for programs it starts: libfaketime, preloaded, reads from a file how far it is off. Monotonic time
// is left alone, as it is when somebody sets a machine's clock.
import { chmodSync, copyFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atExit } from './at-exit.ts';
import { findDebian, type Found, type Search } from './debian-programs.ts';

const library = 'libfaketime.so.1';

/** The path of libfaketime, beside a program of its own that proved to run here. */
export async function findFaketime(search: Search = {}): Promise<Found<string>> {
  const answer = await findDebian(
    { name: 'faketime', packages: ['faketime', 'libfaketime'], alone: true, programs: ['usr/bin/faketime'] },
    search,
  );
  if (answer.outcome === 'not_there') return answer;
  const libraries = join(answer.found.tree ?? '/', 'usr/lib');
  for (const folder of ['', ...(await readdir(libraries))]) {
    const path = join(libraries, folder, 'faketime', library);
    if (await isThere(path)) return { outcome: 'found', found: path };
  }
  return { outcome: 'not_there', reason: `${library} is not where Debian has it` };
}

async function isThere(path: string): Promise<boolean> {
  const names = await readdir(join(path, '..')).catch((): string[] => []);
  return names.includes(library);
}

export class SteeredClock implements Disposable {
  /** What a program needs in its environment to live by this clock. */
  readonly env: Readonly<Record<string, string>>;
  private readonly directory: string;
  private readonly offset: string;
  private readonly forget: () => void;

  /** `libraryPath`: as `findFaketime` says. Everybody may read it here, a server without rights too. */
  constructor(libraryPath: string) {
    this.directory = mkdtempSync(join(tmpdir(), 'streamhouse-clock-'));
    this.forget = atExit(() => rmSync(this.directory, { recursive: true, force: true }));
    chmodSync(this.directory, 0o755);
    const copy = join(this.directory, library);
    copyFileSync(libraryPath, copy);
    chmodSync(copy, 0o755);
    this.offset = join(this.directory, 'offset');
    this.set(0);
    this.env = {
      LD_PRELOAD: copy,
      FAKETIME_TIMESTAMP_FILE: this.offset,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
  }

  /** From now on so many seconds ahead of the machine's clock; negative: behind. */
  set(seconds: number): void {
    const written = `${this.offset}.new`;
    writeFileSync(written, `${seconds < 0 ? '' : '+'}${seconds}\n`, { mode: 0o644 });
    renameSync(written, this.offset);
  }

  [Symbol.dispose](): void {
    this.forget();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
