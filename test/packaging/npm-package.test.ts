// The packed npm package in its quick form: unpacked where npm would have, with the packages that it names taken from this project.
// Installed by npm: npm run check:packaging.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { Consumer, expectLibraries, expectProgram, pack, project } from './consumer.ts';

const consumer = new Consumer();
afterAll(() => consumer[Symbol.dispose]());
const { tarball, files } = await pack(consumer.directory);
const installed = join(consumer.directory, 'node_modules/streamhouse-agent');
mkdirSync(installed, { recursive: true });
execFileSync('tar', ['-xzf', tarball, '-C', installed, '--strip-components=1']);
const manifest = z
  .object({ dependencies: z.record(z.string(), z.string()) })
  .parse(JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')));
for (const name of Object.keys(manifest.dependencies)) consumer.link(name);

describe('the files of the package', () => {
  // What runs, its examples, and what an operator needs of the same version: guides, units, manifests, dashboards, alerts.
  test('are those and nothing else', () => {
    const tops = new Set(files.map((file) => file.split('/')[0] ?? ''));
    expect([...tops].sort()).toEqual([
      '.env.example',
      'CHANGELOG.md',
      'README.md',
      'deploy',
      'dist',
      'docs',
      'drizzle',
      'examples',
      'grafana',
      'model',
      'package.json',
      'prometheus',
      'src',
    ]);
    // The safety argument, which the README points to; no sources.
    expect(files.filter((file) => file.startsWith('src/'))).toEqual(['src/domain/README.md']);
  });

  test('are no tests, no maps of sources that are not there, and no settings of tools', () => {
    expect(files.filter((file) => /\btest\b|\.map$|tsconfig|Dockerfile|(?<!\.d)\.ts$/.test(file))).toEqual(
      [],
    );
    const scripts = files.filter((file) => file.endsWith('.js'));
    const pointing = scripts.filter((file) =>
      readFileSync(join(installed, file), 'utf8').includes('//# sourceMappingURL='),
    );
    expect(pointing).toEqual([]);
  });

  test.each(['dist', 'drizzle'])('are all of %s', (directory) => {
    const there = readdirSync(join(project, directory), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => entry.name);
    expect(files.filter((file) => file.startsWith(`${directory}/`))).toHaveLength(there.length);
  });

  test('are what the README points to', () => {
    const links = [...readFileSync(join(installed, 'README.md'), 'utf8').matchAll(/\]\(([\w./-]+\.md)\)/g)];
    const broken = links.map(([, file = '']) => file).filter((file) => !files.includes(file));
    expect(links).not.toEqual([]);
    expect(broken).toEqual([]);
  });
});

test('the installed program says its version and runs on the embedded store', async () => {
  await expectProgram(consumer, join(installed, 'dist/main.js'));
});

test('the installed libraries run, with their types', async () => {
  await expectLibraries(consumer);
});
