// The console page in a real Chromium, served by real agents. Where no Chromium can be had, the closing line of the run says so.
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { postgresStore } from '../e2e/cluster.ts';
import { findChromium } from '../support/chromium.ts';
import { accessClaims } from './access-claims.ts';
import { liveClaims } from './live-claims.ts';
import { ConsoleSite } from './site.ts';
import { useClaims } from './use-claims.ts';

const chromium = await findChromium();
const urls = inject('postgresTargets').map(({ url }) => url);
const name = 'the console page in Chromium';

test('a run without Chromium says why', ({ task }) => {
  if (chromium.outcome === 'found') return;
  expect(chromium.reason).toContain("Debian's package");
  task.meta.suiteNotRun = { name, reason: chromium.reason };
});

describe.each(chromium.outcome === 'found' ? urls.slice(0, 1) : [])(`${name} (%#)`, (url) => {
  let started: ConsoleSite | undefined;
  const site = () => {
    if (started === undefined) throw new Error('there is no page to visit');
    return started;
  };
  beforeAll(async () => {
    if (chromium.outcome === 'found') started = await ConsoleSite.start(chromium.found, postgresStore(url));
  });
  afterAll(async () => {
    await started?.[Symbol.asyncDispose]();
    process.stdout.write(`${started?.measures.join('\n') ?? ''}\n`);
  });

  describe('of a living cluster', () => {
    liveClaims(site);
  });
  describe('with tokens', () => {
    accessClaims(site);
  });
  describe('for everybody', () => {
    useClaims(site);
  });
});
