// Kills of brokers whose agents live on: how long until other agents lead what the killed one led.
import { eventually } from '../support/eventually.ts';
import { leadersAt } from './load-run.ts';
import type { LoadNode } from './node.ts';

/** Kills the broker of `node`; resolves when its agent leads nothing and others lead everything, to how long that took, milliseconds. */
export async function killBroker(node: LoadNode, witness: LoadNode): Promise<number> {
  const killedMs = performance.now();
  node.program('broker').kill('SIGKILL');
  await eventually(
    async () => {
      const leaders = await leadersAt(witness.agentUrl);
      return leaders.every((leader) => leader !== null && leader !== node.name);
    },
    { everyMs: 10, what: `everything to be led without ${node.name}` },
  );
  return performance.now() - killedMs;
}

/** Starts it again, and waits until its agent leads as much as the others. */
export async function reviveBroker(node: LoadNode, witness: LoadNode, nodes: number): Promise<void> {
  node.start('broker');
  await eventually(
    async () => {
      const leaders = await leadersAt(witness.agentUrl);
      return leaders.filter((leader) => leader === node.name).length === leaders.length / nodes;
    },
    { what: `${node.name} to have its share` },
  );
}
