// The mutants' run starts no server: it is given one that runs.
import process from 'node:process';
import type { TestProject } from 'vitest/node';

export function setup(project: TestProject): void {
  project.provide('postgresTargets', [
    { name: 'PostgreSQL', url: process.env['MUTANTS_DATABASE_URL'] ?? '' },
  ]);
}
