// One look of `top` at the cluster through an agent.
import { systemClock } from '../../platform/clock.ts';
import { agentForm, leaseForm, rebalanceForm, type RebalanceAnswer, statusForm } from '../answers.ts';
import type { Api } from '../api.ts';
import { exitCode } from '../exit-code.ts';
import { CliFailure } from '../failure.ts';
import { readList } from '../listing.ts';
import type { ClusterLook } from './model.ts';

/** Nobody reads more on a screen, and each look asks anew. */
const leasesMax = 5_000;

/** Throws CliFailure as the agent refuses or does not answer. */
export async function lookAround(api: Api): Promise<ClusterLook> {
  const askedAtMs = systemClock.monotonicMs();
  const [status, agents, leases, rebalance] = await Promise.all([
    api.get(['v1', 'status'], statusForm),
    readList(api, { path: ['v1', 'agents'], key: 'agents', row: agentForm }),
    readList(api, { path: ['v1', 'leases'], key: 'leases', row: leaseForm, limit: leasesMax }),
    readRebalance(api),
  ]);
  return {
    askedAtMs,
    status: status.value,
    agents: agents.rows,
    leases: leases.rows,
    hasMoreLeases: leases.hasMore,
    rebalance,
  };
}

async function readRebalance(api: Api): Promise<RebalanceAnswer | undefined> {
  try {
    return (await api.get(['v1', 'rebalance'], rebalanceForm)).value;
  } catch (error) {
    if (error instanceof CliFailure && error.exitCode === exitCode.notFound) return undefined;
    throw error;
  }
}
