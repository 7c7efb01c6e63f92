// How the program is put together: its modules in a few files, because what a start costs is finding and opening hundreds of them.
// The packages of package.json's `dependencies` stay outside, npm brings them. Those of `devDependencies` that the program imports go
// in: they are those that would have it open many files of which it needs little.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { defineConfig, type Plugin } from 'rolldown';
import { z } from 'zod';

const project = fileURLToPath(new URL('.', import.meta.url));
const { dependencies } = z
  .object({ dependencies: z.record(z.string(), z.string()) })
  .parse(JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')));

export default defineConfig({
  // What is started or imported by its name: the program, what it starts beside itself, the libraries.
  input: {
    main: 'src/main.ts',
    embed: 'src/embed.ts',
    'client/client': 'src/client/client.ts',
    'cli/campaign/guard-process': 'src/cli/campaign/guard-process.ts',
    'demo/guardian-process': 'src/demo/guardian-process.ts',
  },
  platform: 'node',
  external: (id) => id.startsWith('node:') || packageOf(id) in dependencies,
  transform: { target: 'node20.19' },
  plugins: [ownPlaces(), licences()],
  output: {
    dir: 'dist',
    format: 'esm',
    chunkFileNames: 'parts/[name]-[hash].js',
    // Errors are told apart by name.
    keepNames: true,
  },
});

/** `drizzle-orm` of `drizzle-orm/pg-core`. */
function packageOf(id: string): string {
  return id
    .split('/')
    .slice(0, id.startsWith('@') ? 2 : 1)
    .join('/');
}

/** `import.meta.url` stays what it would be were every module a file of its own: `src/cli/version.ts` finds things from `dist/cli`. */
function ownPlaces(): Plugin {
  const place = (path: string): string => `__placeOf(${JSON.stringify(path)})`;
  return {
    name: 'own-places',
    transform(code, id) {
      const path = relative(join(project, 'src'), id);
      if (path.startsWith('..') || !code.includes('import.meta.url')) return undefined;
      return code.replaceAll('import.meta.url', place(path.replace(/\.ts$/, '.js')));
    },
    renderChunk(code, { fileName }) {
      const from = pathToFileURL(join(project, 'dist', dirname(fileName)));
      return code.replaceAll(/__placeOf\("([^"]+)"\)/g, (_all, path: string) => {
        const to = relative(fileURLToPath(from), join(project, 'dist', path));
        return `new URL(${JSON.stringify(to)}, import.meta.url).href`;
      });
    },
  };
}

const manifestForm = z.object({ version: z.string(), license: z.string() });

/** Whoever passes on a copy of these packages passes on their licences. */
function licences(): Plugin {
  return {
    name: 'licences',
    generateBundle(_options, bundle) {
      const modules = Object.values(bundle).flatMap((file) => (file.type === 'chunk' ? file.moduleIds : []));
      const names = modules.flatMap((id) => {
        const [, path] = id.split('/node_modules/');
        return path === undefined ? [] : [packageOf(path)];
      });
      const source = [...new Set(names)]
        .sort()
        .map(licenceOf)
        .join(`\n${'-'.repeat(80)}\n\n`);
      this.emitFile({ type: 'asset', fileName: 'LICENSES-OF-PARTS.txt', source });
    },
  };
}

function licenceOf(name: string): string {
  const directory = join(project, 'node_modules', name);
  const { version, license } = manifestForm.parse(
    JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')),
  );
  const own = join(directory, 'LICENSE');
  // drizzle-orm's package names its licence without the text.
  const text = existsSync(own) ? own : join(project, 'licenses', `${license}.txt`);
  return `${name} ${version} (${license})\n\n${readFileSync(text, 'utf8').trim()}\n`;
}
