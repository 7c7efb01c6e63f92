// The architecture as rules: who may import whom, and what must not appear where. Each rule is a claim about all
// sources that answers with its offenders as `file:line: text`; test/tidy.test.ts holds them and proves that
// each can fail.

import type { ImportTarget, SourceFile, SourceMention } from './source-tree.ts';

export interface TidyRule {
  readonly claim: string;
  offenders(files: readonly SourceFile[]): string[];
}

type Where = (path: string) => boolean;
type Allowed = (target: ImportTarget, files: readonly SourceFile[], isOfTypes: boolean) => boolean;

const linesMax = 400;
const headingWordsMin = 3;

const under =
  (folder: string): Where =>
  (path) =>
    path.startsWith(`${folder}/`);
const anyOf =
  (...places: readonly Where[]): Where =>
  (path) =>
    places.some((place) => place(path));

const domain = under('src/domain');
const platform = under('src/platform');
const metrics = under('src/metrics');
const coordination = under('src/coordination');
const signals = under('src/signals');
const cli = under('src/cli');
const client = under('src/client');
const page = under('src/console');
const answers = under('src/http/schemas/answers');
const databaseCommands: Where = (path) => path.startsWith('src/cli/db');
const app = anyOf((path) => path === 'src/app.ts', under('src/app'));
const storeOpener: Where = (path) => /^src\/store\/open[^/]*\.ts$/.test(path);
const storePort: Where = (path) => /^src\/store\/[^/]+\.ts$/.test(path) && !storeOpener(path);
const storeSql = under('src/store/sql');
const storePostgres = under('src/store/postgres');
const storeSqlite = under('src/store/sqlite');

const file =
  (...places: readonly Where[]): Allowed =>
  (target) =>
    target.kind === 'file' && anyOf(...places)(target.path);
const nodeModule: Allowed = (target) => target.kind === 'node';
const npmPackage =
  (name: string): Allowed =>
  (target) =>
    target.kind === 'package' && target.name === name;
/** What vanishes when the program is compiled. */
const typesOf =
  (allowed: Allowed): Allowed =>
  (target, files, isOfTypes) =>
    isOfTypes && allowed(target, files, isOfTypes);
/** A port of signals says what a bell is; how one rings is in files that import more than domain and platform. */
const signalsPort: Allowed = (target, files) => {
  if (target.kind !== 'file' || !/^src\/signals\/[^/]+\.ts$/.test(target.path)) return false;
  const port = files.find(({ path }) => path === target.path);
  return (
    port !== undefined &&
    port.imports.every((each) => file(domain, platform)(each.target, files, each.isOfTypes))
  );
};

/** The files of a place import nothing but what is allowed. */
function importsOnly(claim: string, place: Where, ...allowed: readonly Allowed[]): TidyRule {
  return {
    claim,
    offenders: (files) =>
      files
        .filter(({ path }) => place(path))
        .flatMap((source) =>
          source.imports
            .filter(
              ({ target, isOfTypes }) => !allowed.some((isAllowed) => isAllowed(target, files, isOfTypes)),
            )
            .map(({ line }) => offence(source, line)),
        ),
  };
}

/** What is guarded is imported from the given places alone. */
function importedOnlyFrom(claim: string, guarded: Allowed, place: Where): TidyRule {
  return {
    claim,
    offenders: (files) =>
      files
        .filter(({ path }) => !place(path))
        .flatMap((source) =>
          source.imports
            .filter(({ target, isOfTypes }) => guarded(target, files, isOfTypes))
            .map(({ line }) => offence(source, line)),
        ),
  };
}

/** The files of a place mention none of the names. */
function mentionsNo(claim: string, place: Where, isForbidden: (name: string) => boolean): TidyRule {
  const offending = (mentions: readonly SourceMention[]) => mentions.filter(({ name }) => isForbidden(name));
  return {
    claim,
    offenders: (files) =>
      files
        .filter(({ path }) => place(path))
        .flatMap((source) => offending(source.mentions).map(({ line }) => offence(source, line))),
  };
}

function everyFile(claim: string, offendingLine: (source: SourceFile) => number | undefined): TidyRule {
  return {
    claim,
    offenders: (files) =>
      files.flatMap((source) => {
        const line = offendingLine(source);
        return line === undefined ? [] : [offence(source, line)];
      }),
  };
}

function offence(source: SourceFile, line: number): string {
  return `${source.path}:${line}: ${source.lines[line - 1]?.trim() ?? ''}`;
}

const impure = new Set([
  'Math.random',
  'Date.now',
  'new Date()',
  'performance.now',
  'setTimeout',
  'setInterval',
  'setImmediate',
]);
const bucketNames = new Set(['utils.ts', 'types.ts', 'index.ts']);

export const tidyRules = {
  domain: importsOnly('the domain imports nothing but itself', domain, file(domain)),
  platform: importsOnly(
    'the platform imports nothing but itself and Node',
    platform,
    file(platform),
    nodeModule,
  ),
  storePorts: importsOnly(
    'the ports of the store import nothing but domain, platform and each other',
    storePort,
    file(domain, platform, storePort),
  ),
  storeSql: importsOnly(
    'the SQL common to the backends imports nothing but domain, platform, ports, node: and drizzle-orm',
    storeSql,
    file(domain, platform, storePort, storeSql),
    npmPackage('drizzle-orm'),
    // Migrations are files.
    nodeModule,
  ),
  postgresBackend: importedOnlyFrom(
    'the PostgreSQL backend is known to the composition root alone',
    file(storePostgres),
    anyOf(app, storePostgres, storeOpener),
  ),
  sqliteBackend: importedOnlyFrom(
    'the SQLite backend is known to the composition root alone',
    file(storeSqlite),
    anyOf(app, storeSqlite, storeOpener),
  ),
  pgListen: importedOnlyFrom('pg-listen is imported by signals alone', npmPackage('pg-listen'), signals),
  pg: importedOnlyFrom(
    'pg is imported by the PostgreSQL backend and signals alone',
    npmPackage('pg'),
    anyOf(storePostgres, signals),
  ),
  libsql: importedOnlyFrom(
    'libsql is imported by the SQLite backend alone',
    npmPackage('libsql'),
    storeSqlite,
  ),
  coordination: importsOnly(
    'coordination imports nothing but domain, platform, metrics and the ports of store and signals',
    coordination,
    file(domain, platform, storePort, metrics, coordination),
    signalsPort,
  ),
  client: importsOnly(
    'the client imports nothing but itself, platform, node:, undici and eventsource-parser: brokers load it',
    client,
    file(client, platform),
    nodeModule,
    npmPackage('eventsource-parser'),
    npmPackage('undici'),
  ),
  cli: importedOnlyFrom(
    'the commands speak HTTP: they import no store, coordination or signals',
    file(under('src/store'), coordination, signals),
    (path) => !cli(path),
  ),
  cliDatabase: importedOnlyFrom(
    'of the commands only those of the database import the composition root',
    file(app),
    (path) => !cli(path) || databaseCommands(path),
  ),
  page: importsOnly(
    'the page imports nothing but itself, preact and eventsource-parser, and types of the answers: browsers run it',
    page,
    file(page),
    npmPackage('preact'),
    npmPackage('eventsource-parser'),
    typesOf(file(answers)),
  ),
  pageAlone: importedOnlyFrom('the page is imported by nobody', file(page), page),
  environment: mentionsNo(
    'process.env is read in config and main.ts alone',
    (path) => !under('src/config')(path) && path !== 'src/main.ts',
    (name) => name === 'process.env',
  ),
  purity: mentionsNo('the domain knows no time, timers or chance', domain, (name) => impure.has(name)),
  console: mentionsNo(
    'nothing is printed through console',
    () => true,
    (name) => name.startsWith('console.'),
  ),
  defaultExports: mentionsNo(
    'there are no default exports',
    () => true,
    (name) => name === 'export default',
  ),
  buckets: everyFile('there are no buckets: no utils.ts, types.ts or index.ts', ({ path }) =>
    bucketNames.has(path.slice(path.lastIndexOf('/') + 1)) ? 1 : undefined,
  ),
  size: everyFile(`no file has more than ${linesMax} lines`, ({ lines }) => {
    const count = lines.at(-1) === '' ? lines.length - 1 : lines.length;
    return count > linesMax ? linesMax + 1 : undefined;
  }),
  heading: everyFile('every file begins by saying what it is', headingOffence),
  cycles: { claim: 'there are no cycles of imports', offenders: cycles },
  statements: {
    claim:
      'of the statements that a backend can run no two have one name: it is what they are compiled and prepared under',
    offenders: namesakes,
  },
} satisfies Record<string, TidyRule>;

/** A comment with some words in it, before any code; a `#!` line may precede it. */
function headingOffence({ lines }: SourceFile): number | undefined {
  const first = lines.findIndex((line) => line.trim() !== '' && !line.startsWith('#!'));
  const comment =
    /^\s*(?:\/\/.*(?:\n\s*\/\/.*)*|\/\*[\s\S]*?\*\/)/.exec(lines.slice(first).join('\n'))?.[0] ?? '';
  const words = comment.match(/[a-z]{2,}/gi) ?? [];
  return words.length >= headingWordsMin ? undefined : Math.max(first, 0) + 1;
}

/** Statements whose name another one has taken before, for each backend among those that are not the other's. */
function namesakes(files: readonly SourceFile[]): string[] {
  const ofBackend = (other: Where) => {
    const statements = files
      .filter(({ path }) => !other(path))
      .flatMap((source) => source.mentions.map((mention) => ({ source, ...mention })))
      .filter(({ name }) => name.startsWith('statement '));
    const names = statements.map(({ name }) => name);
    return statements
      .filter(({ name }, index) => names.indexOf(name) < index)
      .map(({ source, line }) => offence(source, line));
  };
  return [...new Set([storeSqlite, storePostgres].flatMap(ofBackend))].sort();
}

/** The imports that lead back to the importing file, each with the way it takes. */
function cycles(files: readonly SourceFile[]): string[] {
  const byPath = new Map(files.map((source) => [source.path, source]));
  return files.flatMap((source) =>
    source.imports.flatMap(({ line, target }) => {
      if (target.kind !== 'file') return [];
      const way = wayBetween(byPath, target.path, source.path);
      return way === undefined ? [] : [`${offence(source, line)} (${[source.path, ...way].join(' → ')})`];
    }),
  );
}

/** The shortest way along imports, both ends included. */
function wayBetween(
  files: ReadonlyMap<string, SourceFile>,
  start: string,
  end: string,
): string[] | undefined {
  const cameFrom = new Map<string, string | undefined>([[start, undefined]]);
  for (const path of cameFrom.keys()) {
    if (path === end) return wayTo(end, cameFrom);
    for (const { target } of files.get(path)?.imports ?? []) {
      if (target.kind === 'file' && !cameFrom.has(target.path)) cameFrom.set(target.path, path);
    }
  }
  return undefined;
}

function wayTo(end: string, cameFrom: ReadonlyMap<string, string | undefined>): string[] {
  const way: string[] = [];
  for (let at: string | undefined = end; at !== undefined; at = cameFrom.get(at)) way.unshift(at);
  return way;
}
