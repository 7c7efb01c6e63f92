// The hooks of deploy/kubernetes as the kubelet would run them in the broker's container, against real agents.
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, expect, test } from 'vitest';
import { z } from 'zod';
import { eventually } from '../support/eventually.ts';
import { renderKustomization } from '../support/kustomize.ts';
import { Program } from '../support/program.ts';
import { AgentProcess, sqliteStore, untilHeld } from './cluster.ts';

const project = fileURLToPath(new URL('../..', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'streamhouse-hooks-'));
const calls = join(scratch, 'calls');
let disposables: AsyncDisposable[] = [];

// What `npm install --global` puts on the PATH of the broker's image; it also notes that it was called.
writeFileSync(
  join(scratch, 'streamhouse'),
  `#!/bin/sh\necho "$@" >> ${calls}\nexec ${process.execPath} ${join(project, 'dist/main.js')} "$@"\n`,
);
chmodSync(join(scratch, 'streamhouse'), 0o755);

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

afterEach(async () => {
  for (const each of disposables.toReversed()) await each[Symbol.asyncDispose]();
  disposables = [];
  rmSync(calls, { force: true });
});

const exec = z.object({ exec: z.object({ command: z.array(z.string()) }) });
const form = z.looseObject({
  spec: z.object({
    template: z.object({
      spec: z.looseObject({
        containers: z.array(
          z.looseObject({
            name: z.string(),
            lifecycle: z.object({ postStart: exec.optional(), preStop: exec.optional() }).optional(),
          }),
        ),
      }),
    }),
  }),
});

function hookOf(overlay: string, hook: 'postStart' | 'preStop'): readonly string[] {
  const objects = renderKustomization(join(project, 'deploy/kubernetes', overlay));
  const { containers } = form.parse(objects.find(({ kind }) => kind === 'StatefulSet')).spec.template.spec;
  const command = containers.find(({ name }) => name === 'broker')?.lifecycle?.[hook]?.exec.command;
  if (command === undefined) throw new Error(`the ${overlay} has no ${hook}`);
  return command;
}

async function run(command: readonly string[], agent: AgentProcess): Promise<Program> {
  const [file = '', ...args] = command;
  const child = spawn(file, args, {
    env: {
      PATH: `${scratch}:${dirname(process.execPath)}:/usr/bin:/bin`,
      AGENT_ID: agent.agentId,
      STREAMHOUSE_URL: await agent.baseUrl(),
    },
  });
  const program = new Program(child, command);
  disposables.push(program);
  return program;
}

async function twoAgents(): Promise<[AgentProcess, AgentProcess]> {
  const store = sqliteStore();
  const agents: [AgentProcess, AgentProcess] = [
    new AgentProcess('broker-0', store.env),
    new AgentProcess('broker-1', store.env),
  ];
  disposables.push(store, ...agents);
  for (const agent of agents) await agent.active();
  await agents[0].ask('POST', '/v1/topics', { name: 'orders', partitionCount: 4 });
  await untilHeld(agents, [2, 2]);
  return agents;
}

test('native sidecar: the broker that stops leads nothing, and the one that starts gets it back', async () => {
  const [agent, other] = await twoAgents();
  const preStop = await run(hookOf('native-sidecar', 'preStop'), agent);
  expect(await preStop.exited).toEqual({ code: 0, signal: null });
  expect(await agent.held()).toEqual([]);
  await untilHeld([other], [4]);
  const postStart = await run(hookOf('native-sidecar', 'postStart'), agent);
  expect(await postStart.exited).toEqual({ code: 0, signal: null });
  await untilHeld([agent, other], [2, 2]);
});

test('classic sidecar: the broker waits while its agent is there, and stops when the agent has handed over', async () => {
  const [agent, other] = await twoAgents();
  const preStop = await run(hookOf('classic-sidecar', 'preStop'), agent);
  const callsMade = () => (existsSync(calls) ? readFileSync(calls, 'utf8').split('\n').length - 1 : 0);
  await eventually(() => callsMade() >= 3, { what: 'three looks at the agent' });
  agent.kill('SIGTERM');
  expect(await preStop.exited).toEqual({ code: 0, signal: null });
  await expect(agent.self()).rejects.toThrow(/fetch failed/);
  await untilHeld([other], [4]);
});

test('classic sidecar: a broker without the command line in its image does not wait at all', async () => {
  const [agent] = await twoAgents();
  const command = hookOf('classic-sidecar', 'preStop').map((part) =>
    part.replace('streamhouse', 'not-there'),
  );
  const preStop = await run(command, agent);
  expect(await preStop.exited).toMatchObject({ signal: null });
  expect((await agent.self()).state).toBe('active');
});
