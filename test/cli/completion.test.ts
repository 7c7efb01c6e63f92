// The completion scripts in the shells they are for. A shell that cannot be had is counted as a suite that was not run.
import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type Shell, shells } from '../../src/cli/completion/scripts.ts';
import { eventually } from '../support/eventually.ts';
import { PseudoTerminal } from '../support/pseudo-terminal.ts';
import { cannedApi, type CannedRoutes } from './canned-api.ts';
import { run } from './run-cli.ts';

const execute = promisify(execFile);
const notRun = inject('suitesNotRun').map(({ name }) => name);
const programs = inject('shells');
const built = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** A directory with `streamhouse` in it, and the script of each shell. */
const home = mkdtempSync(join(tmpdir(), 'streamhouse-completion-'));
beforeAll(async () => {
  const program = join(home, 'streamhouse');
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${built}' "$@"\n`);
  chmodSync(program, 0o755);
  for (const shell of shells) writeFileSync(join(home, shell), (await run(['completion', shell])).stdout);
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

const routes: CannedRoutes = {
  'GET /v1/agents?limit=1000': { body: { agents: [{ agentId: 'broker-1' }, { agentId: 'broker-2' }] } },
  'GET /v1/topics?limit=1000': { body: { topics: [{ name: 'orders' }, { name: 'audit' }] } },
  'GET /v1/leases?limit=1000': {
    body: {
      leases: [
        { topic: 'orders', partition: 0 },
        { topic: 'orders', partition: 1 },
      ],
    },
  },
};

/** How each shell is asked what it would offer for a line, without a person at it. */
const asking: Readonly<Record<Shell, { args: string[]; script: (line: string) => string }>> = {
  bash: {
    args: ['--norc', '-c'],
    script: (line) => `source '${home}/bash'; COMP_LINE='${line}'; COMP_POINT=\${#COMP_LINE}
      COMP_WORDS=(streamhouse); COMP_CWORD=0; _streamhouse; printf '%s\\n' "\${COMPREPLY[@]}"`,
  },
  zsh: {
    args: ['-f', '-c'],
    script: (line) => `compdef() { : }; source '${home}/zsh'; compadd() { print -l -- $shown }
      words=("\${(@s: :)\${:-${line}}}"); CURRENT=$#words; _streamhouse`,
  },
  fish: {
    args: ['--no-config', '-c'],
    script: (line) => `source '${home}/fish'; complete -C '${line}'`,
  },
};

async function offered(shell: Shell, line: string, url: string): Promise<string[]> {
  const { args, script } = asking[shell];
  const { program = shell, prelude = '', env: needed } = programs[shell] ?? {};
  const path = `${home}:${process.env['PATH'] ?? ''}`;
  const env = { PATH: path, HOME: home, STREAMHOUSE_URL: url, ...needed };
  const { stdout, stderr } = await execute(program, [...args, `${prelude}${script(line)}`], { env });
  expect(stderr).toBe('');
  const words = stdout.split('\n').map((each) => each.split('\t')[0] ?? '');
  const typed = line.slice(line.lastIndexOf(' ') + 1);
  // Zsh is asked below its own matching.
  return words.filter((word) => word !== '' && (shell !== 'zsh' || word.startsWith(typed)));
}

const installed = shells.filter((shell) => programs[shell] !== undefined);

describe.each(installed.map((shell) => [shell]))('%s', (shell) => {
  describe('completes', () => {
    test.each([
      ['streamhouse top', ['top', 'topics']],
      ['streamhouse topics ', ['list', 'create', 'describe', 'add-partitions', 'delete']],
      ['streamhouse topics create orders --par', ['--partitions']],
      ['streamhouse --url http://x:1 topics li', ['list']],
      ['streamhouse -o ', ['table', 'wide', 'json', 'yaml', 'name']],
      ['streamhouse status --output=j', shell === 'bash' ? ['json'] : ['--output=json']],
      ['streamhouse leases list --limit ', []],
      ['streamhouse completion ', ['bash', 'zsh', 'fish']],
      ['streamhouse wait --timeout 5s --f', ['--for']],
    ])('%j without an agent', async (line, words) => {
      expect((await offered(shell, line, 'http://127.0.0.1:1')).toSorted()).toEqual(words.toSorted());
    });

    test.each([
      ['streamhouse agents drain ', ['broker-1', 'broker-2']],
      ['streamhouse topics describe or', ['orders']],
      ['streamhouse explain orders/', ['orders/0', 'orders/1']],
      ['streamhouse leases move orders/1 --to ', ['broker-1', 'broker-2']],
    ])('%j with the names that an agent knows', async (line, words) => {
      await using api = await cannedApi(routes);
      expect((await offered(shell, line, api.url)).toSorted()).toEqual(words);
    });

    test('names are asked of the agent that the line names; none answers in silence', async () => {
      await using api = await cannedApi(routes);
      const line = (url: string) => `streamhouse --url ${url} agents get `;
      expect(await offered(shell, line(api.url), 'http://127.0.0.1:1')).toEqual(['broker-1', 'broker-2']);
      expect(await offered(shell, line('http://127.0.0.1:1'), api.url)).toEqual([]);
    });
  });
});

describe.each(
  notRun.includes('terminals') ? [] : installed.filter((shell) => shell === 'bash').map((shell) => [shell]),
)('%s in a terminal', (shell) => {
  test('a person types Tab', async () => {
    await using api = await cannedApi(routes);
    const env = {
      PATH: `${home}:${process.env['PATH'] ?? ''}`,
      STREAMHOUSE_URL: api.url,
      PS1: '> ',
      INPUTRC: '/dev/null',
    };
    await using terminal = new PseudoTerminal([shell, '--norc', '--noprofile', '-i'], {
      columns: 80,
      rows: 24,
      env,
    });
    terminal.type(`source '${home}/bash'\n`);
    await eventually(() => terminal.written.includes('source'));
    terminal.type('streamhouse rebal\t');
    await eventually(() => terminal.written.includes('streamhouse rebalance '));
    terminal.type('st\t');
    await eventually(() => terminal.written.includes('streamhouse rebalance status '));
    terminal.type('\u0015streamhouse explain orders/\t\t');
    await eventually(() => /orders\/0\s+orders\/1/.test(terminal.written));
  });
});

test('an unknown shell is refused with those that are known', async () => {
  const { code, stderr } = await run(['completion', 'tcsh']);
  expect(code).toBe(2);
  expect(stderr).toContain('Allowed choices are bash, zsh, fish.');
});
