// Machines that lack what the search needs: it says so in a sentence, and leaves nothing half made behind. Apt-get and dpkg-deb are
// scripts here; the real ones ran when the suites that need Prometheus, shells and Chromium did.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type DebianProgram, findDebian } from './debian-programs.ts';

let directory: string;
let cache: string;
let path: string;
let tree: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'streamhouse-support-'));
  cache = join(directory, 'cache');
  path = join(directory, 'bin');
  tree = join(cache, `debian-tool-${process.arch}`);
  mkdirSync(path);
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

const wanted: DebianProgram = {
  name: 'tool',
  packages: ['tool'],
  programs: ['usr/bin/tool', 'usr/bin/tool-helper'],
};

function program(folder: string, name: string, script: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, name), 0o755);
}

/** Apt-get whose archive has the tool and a library that the machine lacks, and a dpkg-deb for it. */
function archive(toolScript = 'exit 0', planning = 'echo "Inst libtool1 (1.0 Debian)"'): void {
  program(
    path,
    'apt-get',
    `PATH=/usr/bin:/bin; echo "$@" >> '${directory}/asked'; case "$*" in
  *install*) ${planning} ;;
  *download*) while [ "$1" != download ]; do shift; done; shift; for each; do : > "$each.deb"; done ;;
esac`,
  );
  program(
    path,
    'dpkg-deb',
    `PATH=/usr/bin:/bin; case "$2" in
  */tool.deb) mkdir -p "$3/usr/bin"; for name in tool tool-helper; do
    printf '#!/bin/sh\\n%s\\n' '${toolScript}' > "$3/usr/bin/$name"; chmod 755 "$3/usr/bin/$name"; done ;;
  *) mkdir -p "$3/usr/lib/here"; : > "$3/usr/lib/here/libtool.so.1" ;;
esac`,
  );
}

const search = (more: Partial<DebianProgram> = {}) =>
  findDebian({ ...wanted, ...more }, { cache, env: { PATH: path } });

test('a machine without apt-get has none', async () => {
  expect(await search()).toEqual({
    outcome: 'not_there',
    reason: "Debian's package cannot be had: spawn apt-get ENOENT",
  });
  expect(readdirSync(cache)).toEqual([]);
});

test('a machine whose package lists name none has none', async () => {
  program(path, 'apt-get', 'echo "E: Unable to locate package tool" >&2; exit 100');
  expect(await search()).toEqual({
    outcome: 'not_there',
    reason: "Debian's package cannot be had: Unable to locate package tool",
  });
  expect(readdirSync(cache)).toEqual([]);
});

test('a network that swallows packets is given up', async () => {
  program(path, 'apt-get', 'exec /bin/sleep 600');
  expect(await search({ downloadMsMax: 200 })).toEqual({
    outcome: 'not_there',
    reason: "Debian's package cannot be had: not there in 0.2 s",
  });
  expect(readdirSync(cache)).toEqual([]);
});

test('the packages are unpacked with what the machine lacks, and found together', async () => {
  archive('test -e "$LD_LIBRARY_PATH/libtool.so.1"');
  expect(await search()).toEqual({
    outcome: 'found',
    found: {
      tree,
      locate: expect.any(Function),
      env: { LD_LIBRARY_PATH: join(tree, 'usr/lib/here') },
    },
  });
  expect(readdirSync(cache)).toEqual([`debian-tool-${process.arch}`]);
});

test('what runs alone is unpacked alone', async () => {
  archive();
  expect(await search({ alone: true })).toMatchObject({ outcome: 'found', found: { env: {} } });
});

test('where the lists of the machine do not help, they are made anew', async () => {
  archive('exit 0', 'case "$*" in *Dir::State*) ;; *) echo "E: no lists" >&2; exit 100 ;; esac');
  expect(await search()).toMatchObject({ outcome: 'found' });
});

test('a package that does not run here is not used', async () => {
  archive('echo "E: not on this machine" >&2; exit 1');
  expect(await search()).toEqual({
    outcome: 'not_there',
    reason: "Debian's package does not run here: not on this machine",
  });
});

test('what an earlier run unpacked is used again', async () => {
  for (const name of ['tool', 'tool-helper']) program(join(tree, 'usr/bin'), name, 'exit 0');
  const answer = await search();
  expect(answer).toMatchObject({ outcome: 'found', found: { tree } });
  expect(answer.outcome === 'found' && answer.found.locate('usr/bin/tool')).toBe(join(tree, 'usr/bin/tool'));
});

test('what does not run, such as half a copy, is not used but replaced', async () => {
  program(join(tree, 'usr/bin'), 'tool-helper', 'exit 0');
  expect(await search()).toMatchObject({ outcome: 'not_there' });
  archive();
  expect(await search()).toMatchObject({ outcome: 'found', found: { tree } });
});

test('the programs of the machine come first', async () => {
  for (const name of ['tool', 'tool-helper']) program(path, name, 'exit 0');
  const answer = await search();
  expect(answer.outcome === 'found' && answer.found.locate('usr/bin/tool')).toBe('tool');
});

test('what a killed run left half made goes, what a running one makes stays', async () => {
  const [abandoned, ofNow] = [join(cache, 'unpacking-old'), join(cache, 'unpacking-new')];
  for (const folder of [abandoned, ofNow]) mkdirSync(folder, { recursive: true });
  const twoHoursAgo = Date.now() / 1000 - 7200;
  utimesSync(abandoned, twoHoursAgo, twoHoursAgo);
  await search();
  expect([abandoned, ofNow].map((folder) => existsSync(folder))).toEqual([false, true]);
});
