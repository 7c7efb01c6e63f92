// Kills of brokers in their long form; prints each and a summary. The agents' grace period is their default, 2 s.
import { expect, inject, test } from 'vitest';
import { postgresStore } from '../e2e/cluster.ts';
import { killBroker, reviveBroker } from './broker-kills.ts';
import { loadArguments, say } from './load-arguments.ts';
import { setStage } from './load-run.ts';

test('the partitions of a killed broker are led elsewhere', async () => {
  const [target] = inject('postgresTargets');
  if (target === undefined) throw new Error('no PostgreSQL on this platform');
  const { kills: count } = loadArguments();
  await using store = postgresStore(target.url);
  await using stage = await setStage(store.env);
  const times: number[] = [];
  for (let i = 0; i < count; i += 1) {
    const node = stage.nodes[i % 3];
    const witness = stage.nodes[(i + 1) % 3];
    if (node === undefined || witness === undefined) throw new Error('there are no nodes');
    const tookMs = await killBroker(node, witness);
    times.push(tookMs);
    say(`kill ${i + 1}, broker ${node.name}: all led elsewhere after ${Math.round(tookMs)} ms`);
    await reviveBroker(node, witness, stage.nodes.length);
  }
  const sorted = times.toSorted((a, b) => a - b);
  say(
    `${count} kills: median ${Math.round(sorted[count >> 1] ?? 0)} ms, longest ${Math.round(sorted.at(-1) ?? 0)} ms`,
  );
  expect(times).toHaveLength(count);
});
