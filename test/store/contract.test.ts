// The store's contract: one suite, every backend.
import { describe, inject } from 'vitest';
import { postgresBackend } from './contract/postgres-backend.ts';
import { sqliteBackend } from './contract/sqlite-backend.ts';
import { storeContract } from './contract/suite.ts';

describe('SQLite', () => {
  storeContract(sqliteBackend);
});

for (const { name, url } of inject('postgresTargets')) {
  describe(name, () => {
    storeContract(postgresBackend(url));
  });
}
