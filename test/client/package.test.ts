// The package as another project sees it: its exports, and types that a strict compiler accepts without any of our settings.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const project = fileURLToPath(new URL('../..', import.meta.url));
let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'streamhouse-consumer-'));
  mkdirSync(join(directory, 'node_modules', '@types'), { recursive: true });
  symlinkSync(project, join(directory, 'node_modules', 'streamhouse-agent'));
  symlinkSync(
    join(project, 'node_modules', '@types', 'node'),
    join(directory, 'node_modules', '@types', 'node'),
  );
  writeFileSync(join(directory, 'package.json'), '{ "type": "module" }');
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

const program = `
  import { ConfigError, startAgent, type EmbeddedAgent } from 'streamhouse-agent';
  import { Fenced, StreamhouseClient, TermOver, Unavailable, type Term } from 'streamhouse-agent/client';

  export async function start(): Promise<EmbeddedAgent> {
    return startAgent({ databaseUrl: 'sqlite:./x.db', agentId: 'a', httpPort: 0, managedTopics: ['orders*'] });
  }

  export async function lead(client: StreamhouseClient): Promise<void> {
    await client.run({
      async onTerm(term: Term) {
        const baseOffset: number = await term.highWatermark();
        const one = { id: 'x', baseOffset, endOffset: baseOffset, recordCount: 1, sizeBytes: 1, bucket: 'b', key: 'k' };
        const { outcome } = await term.append(one);
        if (outcome === 'already') return;
      },
      // @ts-expect-error -- a misspelt option is told
      onTurm: () => undefined,
    });
  }

  export function explain(error: unknown): string {
    if (error instanceof Fenced) return String(error.facts.currentEpoch);
    if (error instanceof TermOver) return error.reason;
    if (error instanceof Unavailable) return String(error.outcomeUnknown);
    // @ts-expect-error -- a port is a number
    void startAgent({ httpPort: 'x' });
    return error instanceof ConfigError ? error.message : '';
  }
`;

test('types are complete', () => {
  writeFileSync(join(directory, 'broker.ts'), program);
  const compilerOptions = {
    target: 'es2023',
    lib: ['es2023', 'esnext.disposable'],
    module: 'nodenext',
    types: ['node'],
    strict: true,
    noEmit: true,
  };
  writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['broker.ts'] }));
  const tsc = join(project, 'node_modules', '.bin', 'tsc');
  let said = '';
  try {
    execFileSync(tsc, ['-p', directory], { encoding: 'utf8' });
  } catch (error) {
    said = error instanceof Error && 'stdout' in error ? String(error.stdout) : String(error);
  }
  expect(said).toBe('');
});
