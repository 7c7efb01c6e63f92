// Once per test run: the servers that ordinary tests share, one per supported major, each test in its own schema.
// Not durable (fsync off): a test that crashes a server starts its own.
//
// A major without binaries for this platform is not a failure, but it is counted aloud in the closing lines. So is what else a
// machine may lack: the shells and the Prometheus that are looked for meanwhile. Chromium, which can take minutes, is looked for
// by its own suite.

import process from 'node:process';
import type { TestProject } from 'vitest/node';
import { hasPostgres, platformPackage, type PostgresMajor } from './postgres-binaries.ts';
import { startPostgresServer, type PostgresServer } from './postgres-server.ts';
import { findPrometheus, type PrometheusBinaries } from './prometheus-binaries.ts';
import { findTools, type Tools } from './tools.ts';
import type { SuiteNotRun } from './suite-not-run.ts';

export interface PostgresTarget {
  readonly name: string;
  /** Superuser connection, except for the server named by TEST_DATABASE_URL. */
  readonly url: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    postgresTargets: PostgresTarget[];
    /** Null where it cannot be had; its suites are then among `suitesNotRun`. */
    prometheusBinaries: PrometheusBinaries | null;
    /** Those that there are. */
    shells: Tools['shells'];
    suitesNotRun: SuiteNotRun[];
  }
}

const majors: readonly PostgresMajor[] = [16, 14];

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const [servers, prometheus, tools] = await Promise.all([
    startAll(majors.filter(hasPostgres)),
    findPrometheus(),
    findTools(),
  ]);
  const targets = servers.map(({ major, server }) => ({ name: nameOf(major), url: server.url }));
  const given = process.env['TEST_DATABASE_URL'];
  if (given !== undefined && given !== '') targets.push({ name: 'TEST_DATABASE_URL', url: given });

  project.provide('postgresTargets', targets);
  const missing = majors.filter((major) => !hasPostgres(major)).map(notRun);
  project.provide('prometheusBinaries', prometheus.outcome === 'found' ? prometheus.found : null);
  if (prometheus.outcome === 'not_there') missing.push({ name: 'Prometheus', reason: prometheus.reason });
  project.provide('shells', tools.shells);
  project.provide('suitesNotRun', [...missing, ...tools.notThere]);
  return async () => {
    await Promise.all(servers.map(({ server }) => server[Symbol.asyncDispose]()));
  };
}

/** All or none: if one fails to start, the others are stopped before the run fails. */
async function startAll(
  wanted: readonly PostgresMajor[],
): Promise<{ major: PostgresMajor; server: PostgresServer }[]> {
  const starts = await Promise.allSettled(
    wanted.map(async (major) => ({
      major,
      server: await startPostgresServer({ major, settings: { fsync: 'off' } }),
    })),
  );
  const started = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
  const failed = starts.find((start) => start.status === 'rejected');
  if (failed === undefined) return started;
  await Promise.all(started.map(({ server }) => server[Symbol.asyncDispose]()));
  throw failed.reason;
}

function nameOf(major: PostgresMajor): string {
  return `PostgreSQL ${major}`;
}

function notRun(major: PostgresMajor): SuiteNotRun {
  return { name: nameOf(major), reason: `${platformPackage()} is not available` };
}
