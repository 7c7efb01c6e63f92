// `elections campaign` as a process that runs a real command, beside an agent whose part a test plays.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Program, startProgram } from '../support/program.ts';
import { eventually } from '../support/eventually.ts';
import { isRunning } from '../support/processes.ts';
import { ScriptedAgent } from './scripted-agent.ts';

/** Says who it is and what it is told, until it is killed; a child of its own does the same. */
const stubborn = `
  trap 'echo term' TERM
  echo "run $$ $STREAMHOUSE_ELECTION $STREAMHOUSE_EPOCH $STREAMHOUSE_CANDIDATE"
  sh -c 'trap "" TERM; echo "child $$"; while :; do sleep 0.05; done' &
  while :; do sleep 0.05; done`;
/** Ends when it is told to. */
const obedient = `trap 'echo stopped; exit 0' TERM; echo "run $$"; while :; do sleep 0.05; done`;

let agent: ScriptedAgent;
let program: Program;

beforeEach(async () => {
  agent = await ScriptedAgent.start();
});

afterEach(async () => {
  await program[Symbol.asyncDispose]();
  await agent[Symbol.asyncDispose]();
});

function campaign(...args: readonly string[]): void {
  const env = { STREAMHOUSE_URL: agent.url };
  program = startProgram(['elections', 'campaign', 'job', '--candidate', 'me', ...args], { env });
}

async function line(start: string, nth = 0): Promise<string> {
  return eventually(() => program.stdoutLines.filter((text) => text.startsWith(start))[nth], {
    what: `line ${nth} of the command: ${start}`,
  });
}

/** What the campaign itself has said; shells tell of their children's ends on the same stream. */
async function said(nth: number): Promise<string> {
  return eventually(() => program.stderrLines.filter((text) => text.startsWith('job:'))[nth], {
    what: `sentence ${nth} of the campaign`,
  });
}

/** Process ids of the command and, if it has one, its child. */
async function pids(nth = 0): Promise<number[]> {
  const own = Number((await line('run', nth)).split(' ')[1]);
  return [own, Number((await line('child', nth)).split(' ')[1])];
}

async function gone(...processes: readonly number[]): Promise<void> {
  await eventually(() => !processes.some(isRunning), { what: 'the command to be gone', everyMs: 5 });
}

/** In the race, on a stream. */
async function inTheRace(): Promise<void> {
  await eventually(() => agent.open === 1 && agent.asked.includes('campaign job me'));
}

describe('a command', () => {
  test('runs when the role is won and not before, knows its term, and its end is ours', async () => {
    campaign(
      '--',
      'sh',
      '-c',
      'echo "run $STREAMHOUSE_ELECTION $STREAMHOUSE_EPOCH $STREAMHOUSE_CANDIDATE"; exit 7',
    );
    await inTheRace();
    expect(program.stdoutLines).toEqual([]);
    agent.win('somebody', 4);
    agent.win('me', 4_294_967_301);
    expect(await program.exited).toEqual({ code: 7, signal: null });
    expect(program.stdoutLines).toEqual(['run job 4294967301 me']);
    expect(agent.asked.at(-1)).toBe('resign job me');
    expect(agent.open).toBe(0);
  });

  test('that a signal ends counts as shells count it', async () => {
    campaign('--', 'sh', '-c', 'kill -KILL $$');
    await inTheRace();
    agent.win('me', 5);
    expect(await program.exited).toMatchObject({ code: 137 });
  });

  test('that cannot be started is said, and the role resigned', async () => {
    campaign('--', '/no/such/command');
    await inTheRace();
    agent.win('me', 5);
    expect(await program.exited).toMatchObject({ code: 1 });
    expect(program.stderrLines.join('\n')).toMatch(/cannot be started: .*ENOENT/);
    expect(agent.asked.at(-1)).toBe('resign job me');
  });

  test('leaves nothing running behind it', async () => {
    campaign('--', 'sh', '-c', `sh -c 'echo "child $$"; exec sleep 300' & echo "run $$"; sleep 0.2`);
    await inTheRace();
    agent.win('me', 5);
    const processes = await pids();
    await program.exited;
    await gone(...processes);
  });
});

describe('a command whose role is lost', () => {
  test('is told to stop, resigns when it has, and runs again when the role is won again', async () => {
    campaign('--', 'sh', '-c', obedient);
    await inTheRace();
    agent.win('me', 5);
    await line('run');
    agent.lose('me', 'resigned');
    await line('stopped');
    await eventually(() => agent.asked.includes('resign job me'));
    await inTheRace();
    const before = agent.asked.length;
    await eventually(() => agent.asked.slice(before - 1).includes('campaign job me'));
    agent.win('me', 9);
    await line('run', 1);
    expect([await said(0), await said(1), await said(2)]).toEqual([
      'job: elected, epoch 5',
      'job: stopped under epoch 5: lost: resigned',
      'job: elected, epoch 9',
    ]);
  });

  test('is killed with all it started when it does not stop in time', async () => {
    campaign('--kill-after', '300ms', '--', 'sh', '-c', stubborn);
    await inTheRace();
    agent.win('me', 5);
    const processes = await pids();
    agent.lose('me', 'resigned');
    await line('term');
    await gone(...processes);
    await eventually(() => agent.asked.includes('resign job me'));
  });

  test('ends the campaign with --once', async () => {
    campaign('--once', '--', 'sh', '-c', obedient);
    await inTheRace();
    agent.win('me', 5);
    await line('run');
    agent.lose('me', 'superseded');
    expect(await program.exited).toMatchObject({ code: 4 });
    expect(program.stderrLines.at(-1)).toBe('error: job: lost: superseded');
  });

  test('goes on when another candidate, another role or an older term is lost', async () => {
    campaign('--', 'sh', '-c', obedient);
    await inTheRace();
    agent.win('me', 5);
    await line('run');
    agent.tell('election.lost', { name: 'job', candidate: 'you', epoch: 5, reason: 'expired' });
    agent.tell('election.lost', { name: 'jobs', candidate: 'me', epoch: 5, reason: 'expired' });
    agent.tell('election.lost', { name: 'job', candidate: 'me', epoch: 4, reason: 'expired' });
    const { length } = agent.asked;
    await eventually(() => agent.asked.length > length + 2);
    expect(program.stdoutLines).toHaveLength(1);
    agent.lose('me', 'resigned');
    await line('stopped');
  });
});

describe('a command is killed with all it started, whatever time it was given,', () => {
  // Longer than any of these tests: what ends the command is the duty, not the grace.
  const patient = ['--kill-after', '10m', '--', 'sh', '-c', stubborn];

  test('when the event stream breaks off', async () => {
    campaign(...patient);
    await inTheRace();
    agent.win('me', 5);
    const processes = await pids();
    agent.cut();
    await gone(...processes);
    expect(await said(1)).toBe('job: stopped under epoch 5: the event stream ended');
  });

  test('when the session is suspended', async () => {
    campaign(...patient);
    await inTheRace();
    agent.win('me', 5);
    const processes = await pids();
    agent.tell('session.suspended', { reason: 'no proof' });
    await gone(...processes);
  });

  test('when the stream breaks off while it already stops', async () => {
    campaign(...patient);
    await inTheRace();
    agent.win('me', 5);
    const processes = await pids();
    agent.lose('me', 'resigned');
    await line('term');
    expect(processes.every(isRunning)).toBe(true);
    agent.cut();
    await gone(...processes);
  });

  test('when the campaign itself is killed with -9', async () => {
    campaign(...patient);
    await inTheRace();
    agent.win('me', 5);
    const processes = await pids();
    program.kill('SIGKILL');
    await gone(...processes);
  });
});

describe('a command is told to stop', () => {
  test('when there is no beat for a second and a half', async () => {
    campaign('--', 'sh', '-c', obedient);
    await inTheRace();
    agent.win('me', 5);
    await line('run');
    agent.beats = false;
    await line('stopped');
    expect(await said(1)).toMatch(/no sign of life for 1\.5 s/);
  });

  test('before its own deadline, and is gone at it', async () => {
    agent.trustedForMs = 2_000;
    campaign('--kill-after', '10m', '--', 'sh', '-c', stubborn);
    await inTheRace();
    agent.win('me', 5);
    const processes = await pids();
    // From now on nothing that the agent says moves the deadline on.
    agent.trustedForMs = 1;
    await line('term');
    expect(processes.every(isRunning)).toBe(true);
    await gone(...processes);
    expect(await said(1)).toMatch(/the deadline is near/);
  });

  test('when the agent says that another leads, although no event told so', async () => {
    campaign('--', 'sh', '-c', obedient);
    await inTheRace();
    agent.win('me', 5);
    await line('run');
    agent.epoch = 6;
    await line('stopped');
    expect(await said(1)).toMatch(/we do not lead any more/);
  });
});

test('a command dies at its deadline although the campaign is frozen and can do nothing about it', async () => {
  agent.trustedForMs = 2_000;
  campaign('--kill-after', '10m', '--', 'sh', '-c', stubborn);
  await inTheRace();
  agent.win('me', 5);
  const processes = await pids();
  program.kill('SIGSTOP');
  await gone(...processes);
});

describe('a candidacy by renewal', () => {
  test('needs no stream, renews while it leads, and resigns', async () => {
    campaign('--hold-ms', '5000', '--', 'sh', '-c', 'echo run; read -r _ < /dev/null; sleep 0.5; exit 3');
    await eventually(() => agent.asked.includes('campaign job me'));
    agent.epoch = 5;
    expect(await program.exited).toMatchObject({ code: 3 });
    expect(agent.open).toBe(0);
    expect(agent.asked.at(-1)).toBe('resign job me');
  });

  test('whose agent is gone ends its command at once', async () => {
    campaign('--hold-ms', '5000', '--kill-after', '10m', '--', 'sh', '-c', stubborn);
    await eventually(() => agent.asked.includes('campaign job me'));
    agent.epoch = 5;
    const processes = await pids();
    await eventually(() => agent.asked.includes('renew job me'));
    await agent[Symbol.asyncDispose]();
    await gone(...processes);
    agent = await ScriptedAgent.start();
  });
});

describe('an interrupt', () => {
  test('while waiting leaves the race', async () => {
    campaign('--', 'sh', '-c', obedient);
    await inTheRace();
    program.kill('SIGINT');
    expect(await program.exited).toMatchObject({ code: 130 });
    expect(agent.asked.at(-1)).toBe('resign job me');
  });

  test('while leading stops the command, and resigns only when it has', async () => {
    campaign(
      '--',
      'sh',
      '-c',
      `trap 'sleep 0.3; echo stopped; exit 0' TERM; echo "run $$"; while :; do sleep 0.05; done`,
    );
    await inTheRace();
    agent.win('me', 5);
    await line('run');
    program.kill('SIGINT');
    await line('stopped');
    expect(await program.exited).toMatchObject({ code: 130 });
    expect(agent.asked.at(-1)).toBe('resign job me');
    expect(agent.asked.filter((asked) => asked.startsWith('resign'))).toHaveLength(1);
  });

  test('without a command is how it ends: terms are told as JSON until then', async () => {
    campaign();
    await inTheRace();
    agent.win('me', 5);
    await line('{');
    agent.lose('me', 'resigned');
    await line('{', 1);
    await eventually(() => agent.open === 1);
    program.kill('SIGINT');
    expect(await program.exited).toMatchObject({ code: 0 });
    expect(program.stdoutLines.map((text) => JSON.parse(text) as unknown)).toEqual([
      { event: 'won', name: 'job', candidate: 'me', epoch: 5 },
      { event: 'lost', name: 'job', candidate: 'me', epoch: 5, reason: 'lost: resigned' },
    ]);
  });
});
