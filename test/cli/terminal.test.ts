// The built program in a real terminal: what a person sees, and what is left of the terminal afterwards.
import { fileURLToPath } from 'node:url';
import { describe, expect, inject, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { signalProcess } from '../support/processes.ts';
import { runProgram } from '../support/program.ts';
import { PseudoTerminal, type TerminalOptions } from '../support/pseudo-terminal.ts';
import { cannedApi, type CannedRoutes } from './canned-api.ts';
import { look } from './top-model.ts';

const program = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
/** None where no terminal can be made: counted as a suite that was not run. */
const places = inject('suitesNotRun').some(({ name }) => name === 'terminals') ? [] : ['in a terminal'];

const routes: CannedRoutes = {
  'GET /v1/status': { body: look.status },
  'GET /v1/agents': { body: { agents: look.agents } },
  'GET /v1/leases?limit=5000': { body: { leases: look.leases } },
  'GET /v1/leases': { body: { leases: look.leases } },
  'GET /v1/rebalance': { body: look.rebalance },
};

function start(args: readonly string[], url: string, size: Partial<TerminalOptions> = {}): PseudoTerminal {
  return new PseudoTerminal([process.execPath, program, ...args], {
    columns: 80,
    rows: 24,
    env: { STREAMHOUSE_URL: url },
    ...size,
  });
}

/** The main screen again, with its cursor, and a terminal that echoes lines. */
function expectGivenBack({ picture, written }: PseudoTerminal): void {
  expect(picture.isAlternate).toBe(false);
  expect(picture.isCursorShown).toBe(true);
  expect(written.slice(written.lastIndexOf('?1049l'))).toMatch(/[ ;]icanon[\s\S]* echo /);
}

describe.each(places)('%s', () => {
  test.each([
    [80, 24],
    [200, 50],
    [40, 10],
  ])('top fills %d×%d, and q gives the terminal back', async (columns, rows) => {
    await using api = await cannedApi(routes);
    await using terminal = start(['top'], api.url, { columns, rows });
    await eventually(() => terminal.picture.text.includes('q quit'));
    const lines = terminal.picture.text.split('\n');
    expect(terminal.picture.isAlternate).toBe(true);
    expect(lines).toHaveLength(rows);
    expect(lines.at(-1)).toMatch(/^q quit/);
    expect(lines[3]).toBe(' AGENTS 3');
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
    terminal.type('q');
    expect(await terminal.exited).toBe(0);
    expectGivenBack(terminal);
  });

  test('top follows the size of its window and its keys', async () => {
    await using api = await cannedApi(routes);
    await using terminal = start(['top'], api.url);
    await eventually(() => terminal.picture.text.includes('q quit'));
    for (const [columns, rows] of [
      [200, 50],
      [40, 10],
      [5, 2],
      [80, 24],
    ] as const) {
      terminal.resize(columns, rows);
      const [last, sign] = columns < 24 ? [0, 'too s'] : [rows - 1, 'q quit'];
      await eventually(() => terminal.picture.text.split('\n')[last]?.startsWith(sign));
    }
    terminal.type('/broker-2\r');
    await eventually(() => terminal.picture.text.includes('PARTITIONS 3 of 12'));
    terminal.type('\u001b');
    await eventually(() => terminal.picture.text.includes('PARTITIONS 12'));
    terminal.type('?');
    await eventually(() => terminal.picture.text.includes('any key leaves this help'));
  });

  test.each([
    ['Ctrl-C', (terminal: PseudoTerminal) => terminal.type('\u0003')],
    ['SIGTERM', (terminal: PseudoTerminal) => signalProcess(terminal.programPid, 'SIGTERM')],
  ])('top gives the terminal back after %s', async (_name, end) => {
    await using api = await cannedApi(routes);
    await using terminal = start(['top'], api.url);
    await eventually(() => terminal.picture.text.includes('q quit'));
    end(terminal);
    expect(await terminal.exited).toBe(0);
    expectGivenBack(terminal);
  });

  test('top goes on while the agent is away', async () => {
    const away = { fault: 'cut' } as const;
    const status = { body: look.status };
    await using api = await cannedApi({ ...routes, 'GET /v1/status': [status, away, away, away, status] });
    await using terminal = start(['top', '--interval', '300ms'], api.url);
    await eventually(() => terminal.picture.text.includes('unreachable, retrying'));
    await eventually(() => terminal.picture.text.includes('the agent answers again'));
    expect(terminal.picture.text).not.toContain('unreachable');
  });

  test('top that finds no agent leaves the terminal alone', async () => {
    await using terminal = start(['top'], 'http://127.0.0.1:1');
    expect(await terminal.exited).toBe(6);
    expect(terminal.written).not.toContain('\u001b[?1049h');
    expect(terminal.written).toContain('error: no agent answers at http://127.0.0.1:1');
  });

  test('--watch paints over its last look, and Ctrl-C leaves it standing', async () => {
    const [first = { agentId: 'none' }] = look.agents;
    const agents = (state: string) => ({ body: { agents: [{ ...first, state }] } });
    await using api = await cannedApi({ 'GET /v1/agents': [agents('active'), agents('draining')] });
    await using terminal = start(['agents', 'list', '-w', '--interval', '50ms'], api.url);
    await eventually(() => terminal.picture.text.includes('draining'));
    expect(terminal.picture.text).not.toContain('active');
    terminal.type('\u0003');
    expect(await terminal.exited).toBe(0);
    expect(terminal.picture.text).toContain('draining');
  });

  test('a question is asked and answered', async () => {
    await using api = await cannedApi({
      'GET /v1/topics/orders': { body: { name: 'orders', partitionCount: 2 } },
    });
    await using terminal = start(['topics', 'delete', 'orders'], api.url);
    await eventually(() => terminal.picture.text.includes('Go on? [y/N]'));
    terminal.type('n\n');
    expect(await terminal.exited).toBe(1);
    expect(terminal.picture.text).toContain('not confirmed, nothing was deleted');
  });
});

test('top without a terminal says what shows the same', async () => {
  expect(await runProgram(['top'])).toEqual({
    code: 2,
    stdout: '',
    stderr:
      'error: "top" needs a terminal to show on and to read keys from; "status --watch" shows changes anywhere\n',
  });
});
