// The program's own version, from the package it came in: `src/cli` and `dist/cli` are equally deep.
import { readFileSync } from 'node:fs';
import { z } from 'zod';

const manifestForm = z.object({ version: z.string() });

export function programVersion(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return manifestForm.parse(JSON.parse(manifest)).version;
}
