// What an agent of many asks when all of them hear the same: counted, on a clock that the test moves.
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import type { SignalKind } from '../../src/signals/signals.ts';
import { budget, Stage, type StagedAgent, stageSchema } from './stage.ts';

const [target] = inject('postgresTargets');
if (target === undefined) throw new Error('no PostgreSQL to test with');
const schema = stageSchema(target.url);

const changes = 20;

let stage: Stage;
let coordinator: StagedAgent;
let close: StagedAgent;
/** Six are older: one that coordinates, and five that are close to it. */
let distant: StagedAgent;
/** What the distant one draws. */
let chance: number;

beforeEach(async () => {
  stage = await Stage.open(target.url, schema);
  coordinator = await stage.join('a');
  close = await stage.join('b');
  for (const agentId of ['c', 'd', 'e', 'f']) await stage.start(agentId);
  await stage.clock.advance(budget.heartbeatIntervalMs);
  chance = 0.5;
  distant = await stage.join('g', { random: () => chance });
  await stage.clock.advance(budget.heartbeatIntervalMs);
});

/** What it tells others of who is there, from now on. */
function toldBy({ deps }: StagedAgent): SignalKind[] {
  const told: SignalKind[] = [];
  deps.signals.subscribe((kind) => {
    if (kind === 'membership' || kind === 'vacancy') told.push(kind);
  });
  return told;
}

afterEach(() => stage[Symbol.asyncDispose]());

test('agents that come and go make those look at the coordinator that are close to it, not all', async () => {
  const looks = ({ faulty }: StagedAgent) => faulty.count('roleHolder');
  const before = [looks(close), looks(distant)] as const;
  for (let change = 0; change < changes; change += 1) {
    close.deps.signals.publish('membership');
    distant.deps.signals.publish('membership');
    await stage.clock.advance(1);
  }
  expect(looks(close) - before[0]).toBe(changes);
  expect(looks(distant) - before[1]).toBe(0);
});

test('a role that is given up makes those look that are close to who had it, and by chance others', async () => {
  const looks = () => distant.faulty.count('observeCoordinator');
  for (const [drawn, looked] of [
    [0.9, 0],
    [0.1, 1],
  ] as const) {
    chance = drawn;
    const before = [close.faulty.count('roleHolder'), looks()] as const;
    close.deps.signals.publish('vacancy');
    distant.deps.signals.publish('vacancy');
    await stage.clock.advance(1);
    expect(close.faulty.count('roleHolder') - before[0]).toBe(1);
    expect(looks() - before[1]).toBe(looked);
  }
});

test('who comes tells nobody, who goes does, and a coordinator says that nobody coordinates', async () => {
  const newcomer = await stage.start('h');
  const told = [newcomer, close, coordinator].map(toldBy);
  await stage.clock.advance(budget.heartbeatIntervalMs);
  expect(newcomer.agent.sessionId).not.toBeNull();
  await close.stop();
  await coordinator.stop();
  expect(told).toEqual([[], ['membership'], ['membership', 'vacancy']]);
});

test('a coordinator with a broker says so before it hands over', async () => {
  coordinator.agent.attachBroker();
  await stage.clock.advance(budget.heartbeatIntervalMs);
  const told = toldBy(coordinator);
  await coordinator.stop();
  expect(told).toContain('vacancy');
});

test('a plan that names others is read by nobody at once, one that names the agent or nobody is', async () => {
  const reads = () => distant.faulty.count('readAssignment');
  const before = reads();
  for (let change = 0; change < changes; change += 1) {
    distant.deps.signals.publish('assignment', ['a', 'b']);
    await stage.clock.advance(1);
  }
  expect(reads() - before).toBe(0);
  distant.deps.signals.publish('assignment', ['a', 'g']);
  await stage.clock.advance(1);
  expect(reads() - before).toBe(1);
  distant.deps.signals.publish('assignment');
  await stage.clock.advance(1);
  expect(reads() - before).toBe(2);
});
