// The log as it leaves the process: compiled on its own and run in a child, because what counts is what stands on stdout.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { NameTaken } from '../src/coordination/registration.ts';

const project = fileURLToPath(new URL('..', import.meta.url));
const recordForm = z.looseObject({ level: z.string(), time: z.string(), msg: z.string() });
const errorForm = z.looseObject({ type: z.string(), message: z.string(), stack: z.string().optional() });

/** A thrown text is told as it is; it stands for its own message here. */
const toldForm = errorForm.or(z.string().transform((message) => ({ message })));

const url = 'postgres://user:hunter2@db.example:5432/store';

/** Errors as code, by what is claimed of them. One child logs them all. */
const withPassword = {
  'the message': `new Error('cannot reach ${url} now')`,
  'the stack': `new TypeError('cannot reach ${url}')`,
  'the cause': `new Error('no store', { cause: new Error('cannot reach ${url}') })`,
  'a cause that is no error': `new Error('no store', { cause: '${url}' })`,
  'an expected failure': `new StoreUnavailable('${url} is silent', { outcomeUnknown: false })`,
  'every one of several': `new Error('${url},${url} and ${url}')`,
  'a URL without a user': `new Error('postgres://:hunter2@db.example/store')`,
};
/** The awkward ones. */
const awkward = {
  'a password with an @ in it': `new Error('postgres://user:p@hunter2@db.example/store')`,
  'a parameter of the URL': `new Error('postgres://user@db.example/store?password=hunter2')`,
  'what was thrown without being an error': `'${url}'`,
};
const harmless = 'http://127.0.0.1:7070/health of user@example';
const expected = {
  StoreUnavailable: `new StoreUnavailable('no answer', { outcomeUnknown: true })`,
  StoreMisconfigured: `new StoreMisconfigured('no such database')`,
  Refusal: `new Refusal('fenced', 'epoch 7 is not current')`,
  // Its file imports half of the program: made here by the name that the logger knows it by.
  NameTaken: `Object.assign(new Error('taken'), { name: '${new NameTaken('taken').name}' })`,
};
const defects = {
  Error: `new Error('boom')`,
  TypeError: `new TypeError('boom')`,
  AssertionError: `Object.assign(new Error('boom'), { name: 'AssertionError' })`,
};
const statementError = `Object.assign(new Error('boom'), { parameters: ['hunter2'], stack: 'at x' })`;
const errors: Readonly<Record<string, string>> = {
  ...withPassword,
  ...awkward,
  ...expected,
  ...defects,
  harmless: `new Error('${harmless}')`,
  caused: `new StoreUnavailable('no answer', { outcomeUnknown: true, cause: ${statementError} })`,
};

type Told = Partial<z.infer<typeof errorForm>>;

let compiled: string;
/** What stands in the log about each of `errors`: as JSON, and as on a terminal. */
let json: ReadonlyMap<string, Told>;
let terminal: ReadonlyMap<string, string>;

beforeAll(() => {
  compiled = compile();
  const statements = Object.entries(errors).map(
    ([name, code]) => `log.error({ err: ${code} }, '<${name}>');`,
  );
  const told = records(statements.join('\n')).map(({ msg, err }) => [msg, toldForm.parse(err)] as const);
  json = new Map(told.map(([msg, err]) => [msg.slice(1, -1), err]));
  const parts = output(statements.join('\n'), 'pretty').split('<').slice(1);
  terminal = new Map(parts.map((part) => [part.split('>')[0] ?? '', part]));
});

afterAll(() => {
  rmSync(compiled, { recursive: true, force: true });
});

function compile(): string {
  const directory = mkdtempSync(join(tmpdir(), 'streamhouse-logging-'));
  symlinkSync(join(project, 'node_modules'), join(directory, 'node_modules'));
  writeFileSync(join(directory, 'package.json'), '{ "type": "module" }');
  const tsconfig = {
    extends: join(project, 'tsconfig.json'),
    compilerOptions: { noEmit: false, rootDir: join(project, 'src'), outDir: directory },
    include: [],
    files: [join(project, 'src/logging.ts'), join(project, 'src/domain/refusal.ts')],
  };
  writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify(tsconfig));
  execFileSync(join(project, 'node_modules/.bin/tsc'), ['-p', directory]);
  return directory;
}

/** What is on stdout after `statements` ran with a logger `log`. */
function output(statements: string, format: 'json' | 'pretty' = 'json', level = 'info'): string {
  const options = { level, format, fields: { agentId: 'broker-1', group: 'g' } };
  const script = `
    import { createLogger } from './logging.js';
    import { Refusal, StoreMisconfigured, StoreUnavailable } from './domain/refusal.js';
    const log = createLogger(${JSON.stringify(options)});
    ${statements}
  `;
  return execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: compiled,
    encoding: 'utf8',
  });
}

function records(statements: string, level?: string): z.infer<typeof recordForm>[] {
  const lines = output(statements, 'json', level).trimEnd().split('\n');
  return lines.map((line) => recordForm.parse(JSON.parse(line)));
}

describe('a password in a URL is masked', () => {
  test.each(Object.keys(withPassword))('in %s', (where) => {
    for (const text of [JSON.stringify(json.get(where)), terminal.get(where)]) {
      expect(text).toContain('***@db.example');
      expect(text).not.toContain('hunter2');
    }
  });

  test.each(Object.keys(awkward))('in %s', (where) => {
    expect(JSON.stringify(json.get(where))).not.toContain('hunter2');
    expect(terminal.get(where)).not.toContain('hunter2');
  });

  test('and the rest of the URL stays, to find the mistake by', () => {
    const masked = 'postgres://user:***@db.example:5432/store';
    expect(json.get('the message')?.message).toBe(`cannot reach ${masked} now`);
  });

  test('and a URL without a password stays as it is', () => {
    expect(json.get('harmless')?.message).toBe(harmless);
  });
});

test('fields that are named like secrets are redacted, on the first and the second level', () => {
  const names = ['password', 'token', 'authorization'];
  const fields = names.map((name) => `${name}: 'hunter2', ${name}Of: { ${name}: 'hunter2' }`);
  const text = output(`log.info({ ${fields.join(', ')} }, 'asked');`);
  expect(text.match(/\[Redacted\]/g)).toHaveLength(6);
  expect(text).not.toContain('hunter2');
});

describe('an expected failure is told without a stack', () => {
  test.each(Object.keys(expected))('%s', (type) => {
    const error = json.get(type);
    expect(error?.type).toBe(type);
    expect(error).not.toHaveProperty('stack');
    expect(terminal.get(type)).not.toMatch(/\bat \S+:\d+/);
  });

  test('with the code of a refusal, which says what to do', () => {
    const told = { type: 'Refusal', message: 'epoch 7 is not current', code: 'fenced' };
    expect(json.get('Refusal')).toEqual(told);
  });

  test('and its cause in short, not with what a statement was given', () => {
    const told = { type: 'StoreUnavailable', message: 'no answer', cause: 'boom' };
    expect(json.get('caused')).toEqual(told);
    expect(terminal.get('caused')).not.toContain('hunter2');
  });
});

describe('a defect is told with its stack', () => {
  test.each(Object.keys(defects))('%s', (type) => {
    expect(json.get(type)).toMatchObject({ type, message: 'boom' });
    expect(json.get(type)?.stack).toMatch(/boom\n +at /);
    expect(terminal.get(type)).toMatch(/\bat \S+:\d+/);
  });
});

describe('a record', () => {
  test('is one JSON object a line with level, UTC time, message, and who speaks', () => {
    const [record] = records(`log.warn({ retryInMs: 250 }, 'no store');`);
    expect(record).toMatchObject({
      level: 'warn',
      agentId: 'broker-1',
      group: 'g',
      retryInMs: 250,
      msg: 'no store',
    });
    expect(record?.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  test('stays one line whatever an error says', () => {
    expect(records(`log.error({ err: new Error('a\\nb') }, 'failed'); log.info({}, 'next');`)).toHaveLength(
      2,
    );
  });

  test('below the level is not written', () => {
    const statements = `log.debug({}, 'quiet'); log.info({}, 'heard');`;
    expect(records(statements).map(({ msg }) => msg)).toEqual(['heard']);
    expect(records(statements, 'debug').map(({ msg }) => msg)).toEqual(['quiet', 'heard']);
  });

  test('of a level set later is written, also by children made before', () => {
    const statements = `const child = log.child({});
      child.debug({}, 'quiet'); log.setLevel('debug'); child.debug({}, 'heard'); log.debug({}, 'heard too');
      log.setLevel('error'); child.warn({}, 'quiet again'); child.error({}, 'heard at last');
      log.setLevel('silent'); child.error({}, 'never');`;
    expect(records(statements).map(({ msg }) => msg)).toEqual(['heard', 'heard too', 'heard at last']);
  });

  test('of a child logger says what its parent says, and masks too', () => {
    const [record] = records(
      `log.child({ topic: 'orders' }).error({ err: new Error('x://u:hunter2@h') }, 'failed');`,
    );
    expect(record).toMatchObject({ agentId: 'broker-1', topic: 'orders', err: { message: 'x://u:***@h' } });
  });

  test('is out before the process ends, however suddenly', () => {
    expect(records(`log.error({}, 'last words'); process.exit(1 - 1);`)).toHaveLength(1);
  });

  test('on a terminal names no process id and no host name', () => {
    const text = output(`log.info({ url: 'http://127.0.0.1:7070' }, 'listening');`, 'pretty');
    expect(text).toContain('listening');
    expect(text).not.toMatch(/pid|hostname/);
  });
});
