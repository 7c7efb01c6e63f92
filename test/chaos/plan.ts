// Which faults, in which order, on which nodes: from a seed, before the run begins.
import { pick } from '../../src/demo/pick.ts';
import { shuffled } from '../load/seeded-random.ts';
import { type NodeFaultName, nodeFaults, type Stage, type StoreFaultName, storeFaults } from './faults.ts';

export type PlannedFault =
  | { readonly of: 'node'; readonly name: NodeFaultName; readonly node: number }
  | { readonly of: 'store'; readonly name: StoreFaultName };

const nodeNames = Object.keys(nodeFaults).filter((name): name is NodeFaultName => name in nodeFaults);
const storeNames = Object.keys(storeFaults).filter((name): name is StoreFaultName => name in storeFaults);

/** All kinds once, in an order of the seed's. */
export function planRound(
  random: () => number,
  { nodes, canSetClocks }: Pick<Stage, 'canSetClocks'> & { readonly nodes: number },
): PlannedFault[] {
  const possible = nodeNames.filter((name) => canSetClocks || name !== 'set the clock');
  const indices = Array.from({ length: nodes }, (_, index) => index);
  const ofNodes = possible.map((name): PlannedFault => ({ of: 'node', name, node: pick(random, indices) }));
  const ofStore = storeNames.map((name): PlannedFault => ({ of: 'store', name }));
  return shuffled(random, [...ofNodes, ...ofStore]);
}
