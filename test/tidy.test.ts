// The architecture, held by tests: STYLE.md's layout as claims about src. Every rule is also run on a small tree
// that breaks it, written for the occasion, because a rule that cannot fail holds nothing.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { readSourceTree } from './support/source-tree.ts';
import { tidyRules, type TidyRule } from './support/tidy-rules.ts';

const project = fileURLToPath(new URL('..', import.meta.url));
const rules: [string, TidyRule][] = Object.entries(tidyRules);

describe('the sources', () => {
  const files = readSourceTree(project);
  test.each(rules.map(([, rule]) => [rule.claim, rule] as const))('%s', (_claim, rule) => {
    expect(rule.offenders(files)).toEqual([]);
  });
});

/** Per rule: files whose offending lines say `OFFENDS` and whose lawful ones do not. */
const violations: Readonly<Record<string, Record<string, string[]>>> = {
  domain: {
    'src/domain/lease.ts': [
      `import { epoch } from './epoch.ts';`,
      `import type { Clock } from '../platform/clock.ts'; // OFFENDS`,
      `export { randomUUID } from 'node:crypto'; // OFFENDS`,
      `export const lazy = () => import('zod'); // OFFENDS`,
      `export type Row = import('../store/leases.ts').Row; // OFFENDS`,
      `// import { a } from 'pg';`,
    ],
  },
  platform: {
    'src/platform/clock.ts': [
      `import { setTimeout } from 'node:timers/promises';`,
      `import { wakeup } from './wakeup.ts';`,
      `import { lease } from '../domain/lease.ts'; // OFFENDS`,
      `import fs from 'fs'; // OFFENDS`,
    ],
  },
  storePorts: {
    'src/store/leases.ts': [
      `import { lease } from '../domain/lease.ts';`,
      `import { page } from './page.ts';`,
      `import { sql } from './sql/leases.ts'; // OFFENDS`,
      `import { sql } from 'drizzle-orm'; // OFFENDS`,
    ],
    'src/store/open.ts': [`import { open } from './postgres/open.ts';`],
  },
  storeSql: {
    'src/store/sql/leases.ts': [
      `import { sql } from 'drizzle-orm';`,
      `import { pgTable } from 'drizzle-orm/pg-core';`,
      `import { lease } from '../leases.ts';`,
      `import { open } from '../open.ts'; // OFFENDS`,
      `import { table } from '../postgres/leases.ts'; // OFFENDS`,
    ],
  },
  postgresBackend: {
    'src/app.ts': [`import { open } from './store/postgres/open.ts';`],
    'src/app/backends.ts': [`import { open } from '../store/postgres/open.ts';`],
    'src/store/open-store.ts': [`import { open } from './postgres/open.ts';`],
    'src/store/postgres/leases.ts': [`import { pool } from './pool.ts';`],
    'src/store/sqlite/leases.ts': [`import { pool } from '../postgres/pool.ts'; // OFFENDS`],
    'src/http/server.ts': [`import { pool } from '../store/postgres/pool.ts'; // OFFENDS`],
  },
  sqliteBackend: {
    'src/app.ts': [`import { open } from './store/sqlite/open.ts';`],
    'src/main.ts': [`import { open } from './store/sqlite/open.ts'; // OFFENDS`],
  },
  pgListen: {
    'src/signals/listen.ts': [`import listen from 'pg-listen';`],
    'src/store/postgres/listen.ts': [`import listen from 'pg-listen'; // OFFENDS`],
  },
  pg: {
    'src/signals/listen.ts': [`import pg from 'pg';`],
    'src/store/postgres/pool.ts': [`import pg from 'pg';`],
    'src/http/server.ts': [`import type { Pool } from 'pg'; // OFFENDS`, `import pino from 'pino';`],
  },
  libsql: {
    'src/store/sqlite/open.ts': [`import Database from 'libsql';`],
    'src/store/open.ts': [`import Database from 'libsql'; // OFFENDS`],
  },
  coordination: {
    'src/signals/bell.ts': [`import { wakeup } from '../platform/wakeup.ts';`],
    'src/signals/listen.ts': [`import listen from 'pg-listen';`],
    'src/coordination/elector.ts': [
      `import { bell } from '../signals/bell.ts';`,
      `import { leases } from '../store/leases.ts';`,
      `import { metrics } from '../metrics/table.ts';`,
      `import { keeper } from './lease-keeper.ts';`,
      `import { listen } from '../signals/listen.ts'; // OFFENDS`,
      `import { rows } from '../store/sql/leases.ts'; // OFFENDS`,
      `import { server } from '../http/server.ts'; // OFFENDS`,
      `import { setTimeout } from 'node:timers/promises'; // OFFENDS`,
    ],
  },
  client: {
    'src/client/client.ts': [
      `import { randomUUID } from 'node:crypto';`,
      `import { createParser } from 'eventsource-parser';`,
      `import { clock } from '../platform/clock.ts';`,
      `import { term } from './term.ts';`,
      `import { z } from 'zod'; // OFFENDS`,
      `import type { Segment } from '../domain/segment.ts'; // OFFENDS`,
    ],
  },
  cli: {
    'src/cli/status.ts': [
      `import { command } from 'commander';`,
      `import { lease } from '../domain/lease.ts';`,
      `import { leases } from '../store/leases.ts'; // OFFENDS`,
      `import { elector } from '../coordination/elector.ts'; // OFFENDS`,
      `import { bell } from '../signals/bell.ts'; // OFFENDS`,
    ],
  },
  cliDatabase: {
    'src/cli/db.ts': [`import { app } from '../app.ts';`],
    'src/cli/db-migrate.ts': [`import { app } from '../app.ts';`],
    'src/cli/status.ts': [`import { app } from '../app.ts'; // OFFENDS`],
  },
  page: {
    'src/console/model/lag.ts': [
      `import type { Lag } from '../../http/schemas/answers/lag.ts';`,
      `import { lag } from '../../http/schemas/answers/lag.ts'; // OFFENDS`,
      `import type { Store } from '../../store/leases.ts'; // OFFENDS`,
      `import { createParser } from 'eventsource-parser';`,
    ],
    'src/console/page.tsx': [
      `import { useState } from 'preact/hooks';`,
      `import { lag } from './model/lag.ts';`,
      `import { z } from 'zod'; // OFFENDS`,
      `import { readFileSync } from 'node:fs'; // OFFENDS`,
      `export const page = <p>{lag}</p>;`,
    ],
  },
  pageAlone: {
    'src/console/page.tsx': [`import { lag } from './model/lag.ts';`],
    'src/http/app.ts': [`import type { Lag } from '../console/model/lag.ts'; // OFFENDS`],
  },
  environment: {
    'src/main.ts': [`start(process.env);`],
    'src/config/load.ts': [`export const home = process.env.HOME;`],
    'src/http/server.ts': [
      `// process.env is not for us`,
      `export const text = 'process.env';`,
      `export const home = process.env.HOME; // OFFENDS`,
      `export const { env } = process; // OFFENDS`,
      `export const all = process['env']; // OFFENDS`,
    ],
  },
  purity: {
    'src/domain/lease.ts': [
      `export const at = (nowMs: number) => new Date(nowMs);`,
      `export const id = Math.random(); // OFFENDS`,
      `export const now = Date.now(); // OFFENDS`,
      `export const later = setTimeout(() => {}, 1); // OFFENDS`,
      `export const today = new Date(); // OFFENDS`,
    ],
    'src/platform/clock.ts': [`export const now = Date.now();`],
  },
  console: {
    'src/main.ts': [`// console.log is not used`, `console.log('hello'); // OFFENDS`],
  },
  defaultExports: {
    'src/app.ts': [`export const app = 1;`, `export default app; // OFFENDS`],
    'src/main.ts': [`const main = 1;`, `export { main as default }; // OFFENDS`],
  },
  buckets: {
    'src/http/utils.ts': [`// OFFENDS`],
    'src/http/types.ts': [`// OFFENDS`],
    'src/http/index.ts': [`// OFFENDS`],
    'src/http/content-types.ts': [],
  },
  size: {
    'src/long.ts': [...Array.from({ length: 400 }, () => ''), '// OFFENDS', ''],
    'src/just-right.ts': [...Array.from({ length: 400 }, () => ''), ''],
  },
  heading: {
    'src/main.ts': [`#!/usr/bin/env node`, `// The entry of the program.`],
    'src/said.ts': [`/**`, ` * What this file is for.`, ` */`],
    'src/wrapped.ts': [`// Short`, `// but enough.`],
    'src/unsaid.ts': [`export const answer = 42; // OFFENDS by speaking too late`],
    'src/mumbled.ts': [`// OFFENDS`, `export const answer = 42;`],
  },
  cycles: {
    'src/a.ts': [`import './b.ts'; // OFFENDS`],
    'src/b.ts': [`import type { c } from './c.ts'; // OFFENDS`],
    'src/c.ts': [`import { a } from './a.ts'; // OFFENDS`, `import { d } from './d.ts';`],
    'src/d.ts': [],
  },
  statements: {
    'src/store/postgres/leases.ts': [`export const take = statement('take', (d) => d.now);`],
    'src/store/sql/era.ts': [`export const one = statement('open_era', (d) => d.now);`],
    'src/store/sql/leases.ts': [
      `export const two = statement<P, R>('open_era', (d) => d.now); // OFFENDS`,
      'export const named = statement(`analyze_${tables}`, (d) => d.now);',
      `// statement('open_era')`,
    ],
    'src/store/sqlite/leases.ts': [
      `export const take = statement('take', (d) => d.now);`,
      `export const three = statement('open_era', (d) => d.now); // OFFENDS`,
    ],
  },
} satisfies Record<keyof typeof tidyRules, Record<string, string[]>>;

describe('a rule that is broken names the offenders', () => {
  test.each(rules)('%s', (name, rule) => {
    const tree = violations[name] ?? {};
    const expected = Object.entries(tree).flatMap(([path, lines]) =>
      lines.flatMap((text, index) => (text.includes('OFFENDS') ? [`${path}:${index + 1}: ${text}`] : [])),
    );
    expect(expected).not.toEqual([]);
    expect(offendersIn(tree, rule).map(withoutWay).sort()).toEqual(expected.sort());
  });

  test('a cycle is reported with the way it takes', () => {
    expect(offendersIn(violations['cycles'] ?? {}, tidyRules.cycles)[0]).toMatch(
      / \(src\/a\.ts → src\/b\.ts → src\/c\.ts → src\/a\.ts\)$/,
    );
  });
});

test('a project without sources offends nobody', () => {
  for (const [, rule] of rules) expect(offendersIn({}, rule)).toEqual([]);
});

/** What the rule says about a tree written to disk. */
function offendersIn(tree: Readonly<Record<string, readonly string[]>>, rule: TidyRule): string[] {
  const root = mkdtempSync(join(tmpdir(), 'streamhouse-tidy-'));
  try {
    for (const [path, lines] of Object.entries(tree)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), lines.join('\n'));
    }
    return rule.offenders(readSourceTree(root));
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** Cycles add the way to the offending line. */
function withoutWay(offender: string): string {
  return offender.replace(/ \([^()]* → [^()]*\)$/, '');
}
