// Kills of agents in their long form; prints each and a summary.
import { expect, inject, test } from 'vitest';
import { postgresStore } from '../e2e/cluster.ts';
import { type Kill, KillStage } from './kills.ts';
import { loadArguments, say } from './load-arguments.ts';

test('the broker of a killed agent has stopped before another is granted its partitions', async () => {
  const [target] = inject('postgresTargets');
  if (target === undefined) throw new Error('no PostgreSQL on this platform');
  const { kills: count } = loadArguments();
  await using store = postgresStore(target.url);
  await using stage = await KillStage.set(store.env);
  const kills: Kill[] = [];
  for (let i = 0; i < count; i += 1) {
    const kill = await stage.kill(['a', 'b', 'c'][i % 3] ?? 'a');
    kills.push(kill);
    const { agentId, stoppedMs, firstGrantMs, lastGrantMs, ledByTwo } = kill;
    say(
      `kill ${i + 1} of ${agentId}: broker stopped after ${stoppedMs.toFixed(1)} ms, first grant after ${firstGrantMs.toFixed(0)} ms, last after ${lastGrantMs.toFixed(0)} ms, led by two: ${ledByTwo.length}`,
    );
  }
  const early = kills.filter(({ stoppedMs, firstGrantMs }) => stoppedMs < firstGrantMs).length;
  say(`${early} of ${count} brokers had stopped before the new leader's grant`);
  expect(kills.flatMap(({ ledByTwo }) => ledByTwo)).toEqual([]);
  expect(early).toBe(count);
});
