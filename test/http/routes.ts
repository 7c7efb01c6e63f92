// Every route of the API as requests that fit it: tests of a rule for all routes cover a new one by themselves.
import { systemClock } from '../../src/platform/clock.ts';
import { createApp } from '../../src/http/app.ts';
import { pathsOf } from '../../src/http/known-paths.ts';
import { FakeAgent } from './fixture.ts';
import { instrumentsOver } from '../metrics/reading.ts';

export interface Route {
  readonly method: string;
  /** As declared, with `:topic` in it. */
  readonly pattern: string;
  /** The same with names and numbers filled in that may exist. */
  readonly path: string;
}

const reading = new Set(['GET', 'HEAD', 'OPTIONS']);
const samples: Readonly<Record<string, string>> = {
  topic: 'orders',
  partition: '0',
  offset: '0',
  agentId: 'agent-1',
  group: 'billing',
};

const silent = { debug: () => undefined, info: () => undefined, error: () => undefined };

export async function allRoutes(): Promise<Route[]> {
  const app = createApp(
    { agent: new FakeAgent(), clock: systemClock, instruments: instrumentsOver(), log: silent, version: '1' },
    { allowedHosts: [] },
  );
  await app.ready();
  const routes = [...pathsOf(app)]
    .filter(([pattern]) => !isOfThePage(pattern))
    .flatMap(([pattern, methods]) =>
      [...methods].map((method) => ({ method, pattern, path: filled(pattern) })),
    );
  await app.close();
  return routes;
}

/** Not of the API: files for a browser, tested in console.test.ts. */
export function isOfThePage(pattern: string): boolean {
  return pattern === '/' || pattern.startsWith('/console/');
}

export function isChange({ method }: Route): boolean {
  return !reading.has(method);
}

/** Answers for as long as somebody listens. */
export function isStream({ pattern }: Route): boolean {
  return pattern === '/v1/events';
}

function filled(pattern: string): string {
  return pattern.replace(/:(\w+)/g, (_, name: string) => samples[name] ?? 'some');
}
