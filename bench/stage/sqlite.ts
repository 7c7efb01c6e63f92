// The store on a file of its own, in the temporary directory.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MetadataStore } from '../../src/store/metadata-store.ts';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';
import { group } from './postgres.ts';

export interface SqliteStage extends AsyncDisposable {
  readonly file: string;
  readonly store: MetadataStore;
}

export async function sqliteStage(): Promise<SqliteStage> {
  const directory = mkdtempSync(join(tmpdir(), 'streamhouse-bench-'));
  const file = join(directory, 'metadata.db');
  const store = await openSqliteStore({ file, group, attemptMs: 60_000, migrate: true });
  return {
    file,
    store,
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
