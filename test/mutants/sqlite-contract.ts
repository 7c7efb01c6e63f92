// The store's contract on SQLite alone, for the mutants' run: what other backends need is not loaded for each mutant.
import { describe } from 'vitest';
import { sqliteBackend } from '../store/contract/sqlite-backend.ts';
import { storeContract } from '../store/contract/suite.ts';

describe('SQLite', () => {
  storeContract(sqliteBackend);
});
