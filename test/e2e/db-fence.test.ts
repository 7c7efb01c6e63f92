// `streamhouse db fence --new-era` as an operator runs it: the built program, under an agent that leads.
import { expect, test } from 'vitest';
import { z } from 'zod';
import { eventually } from '../support/eventually.ts';
import { runProgram } from '../support/program.ts';
import { AgentProcess, segment, sqliteStore, untilHeld } from './cluster.ts';

const opened = z.object({
  outcome: z.literal('opened'),
  epochsFrom: z.number(),
  sessions: z.array(z.unknown()),
});

test('an agent that runs is in the way; forced, it registers anew and leads above all that was', async () => {
  await using store = sqliteStore();
  await using agent = new AgentProcess('a', store.env);
  await agent.active();
  await agent.ask('POST', '/v1/topics', { name: 'orders', partitionCount: 2 });
  await untilHeld([agent], [2]);
  const { sessionId } = await agent.self();
  const old = (await agent.held())[0];
  const fence = (...more: string[]) => runProgram(['db', 'fence', '--new-era', ...more], store);

  expect(await fence('--yes')).toMatchObject({
    code: 4,
    stdout: '',
    stderr: expect.stringContaining('agents run on this store: a (group default)'),
  });
  const dry = await fence('--force', '--dry-run');
  expect(dry).toMatchObject({ code: 0, stdout: expect.stringMatching(/^a +default +LIVE +3$/m) });
  expect((await agent.self()).sessionId).toBe(sessionId);

  const forced = await fence('--force', '--yes', '-o', 'json');
  expect(forced).toMatchObject({ code: 0, stderr: 'era 1 is open, 1 session ended\n' });
  const { epochsFrom, sessions } = opened.parse(JSON.parse(forced.stdout));
  expect(sessions).toMatchObject([{ agentId: 'a', isLive: true, leases: 3 }]);
  await eventually(async () => {
    const held = await agent.held();
    return held.length === 2 && held.every(({ epoch }) => epoch >= epochsFrom);
  });
  expect((await agent.self()).sessionId).not.toBe(sessionId);
  const path = `/v1/topics/orders/partitions/${old?.partition}/segments`;
  expect(await agent.ask('POST', path, { epoch: old?.epoch, ...segment('s', 0, 9) })).toMatchObject({
    status: 409,
    body: { code: 'fenced' },
  });
});
