// Puts the bench together as the program is: what is measured is the sources in the form that people run, with no test runner between.
import { isAbsolute, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { defineConfig, type Plugin } from 'rolldown';

const project = fileURLToPath(new URL('..', import.meta.url));

export default defineConfig({
  input: { main: join(project, 'bench/main.ts') },
  platform: 'node',
  // What the bundler itself puts in, it brings.
  external: (id) => !id.startsWith('.') && !isAbsolute(id) && !id.startsWith('@oxc-project/'),
  transform: { target: 'node20.19' },
  plugins: [withoutRunner(), ownPlaces()],
  output: {
    dir: join(project, 'build/bench'),
    format: 'esm',
    // Errors are told apart by name.
    keepNames: true,
  },
});

/** What benches borrow from the tests may stand beside something that needs vitest: it is loaded only by who uses that. */
function withoutRunner(): Plugin {
  return {
    name: 'without-runner',
    resolveId: (id) => (id === 'vitest' ? { id, external: true, moduleSideEffects: false } : undefined),
  };
}

/** `import.meta.url` stays the source's own: migrations, binaries and the built program are found from there. */
function ownPlaces(): Plugin {
  return {
    name: 'own-places',
    transform: (code, id) =>
      code.includes('import.meta.url')
        ? code.replaceAll('import.meta.url', JSON.stringify(pathToFileURL(id).href))
        : undefined,
  };
}
