// Two agents, two campaigns with a command each, all of them processes: who leads dies in every way, and the other takes over.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { isRunning } from '../support/processes.ts';
import { type Program, startProgram } from '../support/program.ts';
import { AgentProcess, type SharedStore, storesToShare } from './cluster.ts';

/** Writes down when it begins and when it is told to end, with its epoch; nothing else can make it stop. */
const job = `
  trap 'echo "told $WHO $STREAMHOUSE_EPOCH $$" >> "$BOOK"' TERM
  echo "begun $WHO $STREAMHOUSE_EPOCH $$" >> "$BOOK"
  while :; do sleep 0.02; echo "alive $WHO $STREAMHOUSE_EPOCH $$" >> "$BOOK"; done`;

interface Entry {
  readonly what: string;
  readonly who: string;
  readonly epoch: number;
  readonly pid: number;
}

describe.each(storesToShare(inject('postgresTargets')))(
  'campaigns beside two agents on one %s',
  (backend, makeStore) => {
    let store: SharedStore;
    let agents: AgentProcess[];
    let campaigns: Program[];
    let directory: string;

    beforeEach(async () => {
      store = makeStore();
      directory = mkdtempSync(join(tmpdir(), 'streamhouse-elections-'));
      writeFileSync(join(directory, 'book'), '');
      // Candidates that are told to stop have half of it to say that they have; these never do.
      const env = { ...store.env, SHUTDOWN_TIMEOUT_MS: '4000' };
      agents = ['a', 'b'].map((agentId) => new AgentProcess(agentId, env));
      await Promise.all(agents.map((agent) => agent.active()));
      campaigns = [];
    });

    afterEach(async () => {
      await Promise.all([...campaigns, ...agents].map((each) => each[Symbol.asyncDispose]()));
      // Killed with their campaigns, by the process that guards them.
      await eventually(() => !book().some(({ pid }) => isRunning(pid)));
      await store[Symbol.asyncDispose]();
      rmSync(directory, { recursive: true, force: true });
    });

    function book(): Entry[] {
      const lines = readFileSync(join(directory, 'book'), 'utf8').split('\n').slice(0, -1);
      return lines.map((line) => {
        const [what = '', who = '', epoch, pid] = line.split(' ');
        return { what, who, epoch: Number(epoch), pid: Number(pid) };
      });
    }

    async function campaign(who: string, agent: AgentProcess | undefined): Promise<Program> {
      const env = {
        STREAMHOUSE_URL: (await agent?.baseUrl()) ?? '',
        BOOK: join(directory, 'book'),
        WHO: who,
      };
      const args = ['elections', 'campaign', 'job', '--candidate', who, '--kill-after', '10m'];
      const program = startProgram([...args, '--', 'sh', '-c', job], { env });
      campaigns.push(program);
      return program;
    }

    /** Resolves when the nth command has begun. */
    async function begun(nth: number): Promise<Entry> {
      return eventually(() => book().filter(({ what }) => what === 'begun')[nth], {
        what: `command ${nth} to begin`,
      });
    }

    /** Terms in the order they were begun, each with the last line of the book that it wrote. */
    function expectOneAtATime(): void {
      const entries = book();
      const epochs = entries.map(({ epoch }) => epoch);
      // Nothing is written under an epoch once a higher one has written.
      expect(epochs).toEqual(epochs.toSorted((left, right) => left - right));
      const owners = new Map(entries.map(({ epoch, who }) => [epoch, who]));
      expect(entries.every(({ epoch, who }) => owners.get(epoch) === who)).toBe(true);
    }

    /** One campaign beside each agent, and which of them leads. */
    async function start() {
      const [a, b] = agents;
      const first = await campaign('one', a);
      await begun(0);
      const second = await campaign('two', b);
      await eventually(() => second.pid > 0);
      return { first, second, leader: await begun(0) };
    }

    test('the agent of the leader is killed: its command has ended before the other’s begins', async () => {
      const { leader } = await start();
      agents[0]?.kill('SIGKILL');
      const next = await begun(1);
      expect(next.who).toBe('two');
      expect(isRunning(leader.pid)).toBe(false);
      expectOneAtATime();
    });

    // The rest is about processes, whatever the store is.
    if (backend === 'SQLite') return;

    test('the campaign that leads is killed: its command dies with it, and the other’s runs under a higher epoch', async () => {
      const { first, leader } = await start();
      first.kill('SIGKILL');
      const next = await begun(1);
      expect(next.who).toBe('two');
      expect(next.epoch).toBeGreaterThan(leader.epoch);
      await eventually(() => !isRunning(leader.pid));
    });

    test('the agent of the leader stops: its command has ended before the other’s begins', async () => {
      const { leader } = await start();
      agents[0]?.kill('SIGTERM');
      const next = await begun(1);
      expect(next.who).toBe('two');
      expect(isRunning(leader.pid)).toBe(false);
      expectOneAtATime();
    });

    test('two candidates beside one agent take turns as an operator has them resign, under growing epochs', async () => {
      const [a] = agents;
      await campaign('one', a);
      await begun(0);
      await campaign('two', a);
      await eventually(async () => {
        const waits = await a?.ask('POST', '/v1/elections/job/renew', { candidate: 'two', holdMs: 500 });
        return waits?.body['code'] === 'conflict';
      });
      for (let turn = 1; turn < 4; turn += 1) {
        const asked = await a?.ask('POST', '/v1/elections/job/resign', {});
        expect(asked?.body['outcome']).toBe('asked');
        await begun(turn);
      }
      const terms = book().filter(({ what }) => what === 'begun');
      expect(terms.map(({ who }) => who)).toEqual(['one', 'two', 'one', 'two']);
      expectOneAtATime();
    });
  },
);
