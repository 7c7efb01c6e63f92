// What happens to the processes of a load run: planned from a seed before it begins, done one fault after another on each lane, and every
// process is running again when it is over.
import { setTimeout as sleep } from 'node:timers/promises';
import { pick } from '../../src/demo/pick.ts';
import type { LoadNode, Part } from './node.ts';
import { shuffled } from './seeded-random.ts';

export interface Fault {
  readonly part: Part;
  readonly how: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP';
  readonly node: LoadNode;
  /** How long it stays dead, or frozen, milliseconds. */
  readonly forMs: number;
  /** Before the next one, milliseconds. */
  readonly thenMs: number;
}

const kinds = (['agent', 'broker'] as const).flatMap((part) =>
  (['SIGKILL', 'SIGTERM', 'SIGSTOP'] as const).map((how) => ({ part, how })),
);

/** All kinds in some order, again and again, until their times add up to `totalMs` a lane. Each kind once at least. */
export function planFaults(
  random: () => number,
  nodes: readonly LoadNode[],
  { totalMs, lanes }: { readonly totalMs: number; readonly lanes: number },
): Fault[] {
  const plan: Fault[] = [];
  let plannedMs = 0;
  while (plannedMs < totalMs * lanes) {
    for (const kind of shuffled(random, kinds)) {
      // Freezes both shorter and longer than the agents' TTL of 2 s.
      const forMs = kind.how === 'SIGSTOP' ? 800 + 2_700 * random() : 200 + 1_300 * random();
      const thenMs = 300 + 900 * random();
      plan.push({ ...kind, node: pick(random, nodes), forMs, thenMs });
      plannedMs += forMs + thenMs;
    }
  }
  return plan;
}

/** Until the plan is used up or `signal` aborts; what was begun is brought to its end. */
export async function playFaults(
  plan: readonly Fault[],
  { lanes, signal, onFault }: { lanes: number; signal: AbortSignal; onFault: (fault: Fault) => void },
): Promise<void> {
  const rest = [...plan];
  const struck = new Set<LoadNode>();
  const lane = async (): Promise<void> => {
    while (!signal.aborted) {
      // Never a node whose other half is down: with both gone there is nothing left to look at.
      const index = rest.findIndex(({ node }) => !struck.has(node));
      if (index < 0) return;
      const [fault] = rest.splice(index, 1);
      if (fault === undefined) return;
      struck.add(fault.node);
      onFault(fault);
      await play(fault);
      struck.delete(fault.node);
      await sleep(fault.thenMs, undefined, { signal }).catch(() => undefined);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

async function play({ part, how, node, forMs }: Fault): Promise<void> {
  const program = node.program(part);
  program.kill(how);
  if (how !== 'SIGSTOP') await program.exited;
  await sleep(forMs);
  if (how === 'SIGSTOP') program.kill('SIGCONT');
  else node.start(part);
}
