// `streamhouse watch` as an operator has it: a process of its own beside an agent that is stopped, killed and started again.
import { afterEach, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../../src/platform/free-port.ts';
import { type Program, startProgram } from '../support/program.ts';
import { AgentProcess, sqliteStore } from './cluster.ts';

const running: (Program | AgentProcess)[] = [];
afterEach(async () => {
  for (const each of running.splice(0)) await each[Symbol.asyncDispose]();
});

test('it outlives the stop and the kill of its agent, and ends with 0 on Ctrl-C', async () => {
  await using store = sqliteStore();
  const env = { ...store.env, HTTP_PORT: String(await freePort()) };
  const start = async (): Promise<AgentProcess> => {
    const agent = new AgentProcess('a', env);
    running.push(agent);
    await agent.active();
    return agent;
  };
  const first = await start();
  const url = await first.baseUrl();
  const watching = startProgram(['watch', '--beats', '--url', url]);
  running.push(watching);
  const beats = (): number => watching.stdoutLines.filter((line) => line.includes('  beat  ')).length;
  const told = (): string => watching.stderrLines.join('\n');
  const isBack = async (beatsBefore: number): Promise<void> => {
    await eventually(() => beats() >= beatsBefore + 2);
  };
  expect(await eventually(() => watching.stdoutLines[0])).toMatch(/ {2}snapshot +a +active, /);
  await isBack(0);

  first.kill('SIGTERM');
  expect(await first.program.exited).toMatchObject({ code: 0 });
  await eventually(() => told().includes(`the stream of ${url} has ended: the agent is stopping`));
  const second = await start();
  await isBack(beats());

  second.kill('SIGKILL');
  await eventually(() => told().includes(`the stream of ${url} broke off`));
  await start();
  await isBack(beats());
  expect(told().match(/connected again/g)).toHaveLength(2);

  watching.kill('SIGINT');
  expect(await watching.exited).toEqual({ code: 0, signal: null });
});
