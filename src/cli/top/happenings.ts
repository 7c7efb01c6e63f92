// What has happened between two looks. An agent's own event stream tells of that agent alone; this tells of the whole group.
import type { LeaseAnswer } from '../answers.ts';
import type { ClusterLook } from './model.ts';

/** A takeover changes thousands at once: the rest is counted. */
const partitionsNamedMax = 20;

/** In sentences, the most important first. */
export function happened(before: ClusterLook, after: ClusterLook): string[] {
  return [
    ...coordinatorChange(before, after),
    ...pauseChange(before, after),
    ...agentChanges(before, after),
    ...leaseChanges(before, after),
  ];
}

function coordinatorChange(before: ClusterLook, after: ClusterLook): string[] {
  const [from, to] = [before.status.coordinator, after.status.coordinator];
  if (from?.agentId === to?.agentId && from?.epoch === to?.epoch) return [];
  if (!to) return [`nobody is coordinator (was ${from?.agentId})`];
  return [`${to.agentId} is coordinator (was ${from?.agentId ?? 'nobody'}), epoch ${to.epoch ?? 'unknown'}`];
}

function pauseChange(before: ClusterLook, after: ClusterLook): string[] {
  const isPaused = after.rebalance?.paused;
  if (before.rebalance === undefined || isPaused === undefined || before.rebalance.paused === isPaused)
    return [];
  return [isPaused ? 'balancing is paused' : 'balancing goes on'];
}

function agentChanges(before: ClusterLook, after: ClusterLook): string[] {
  const known = new Map(before.agents.map((agent) => [agent.agentId, agent.state ?? 'unknown']));
  const changes = after.agents.flatMap(({ agentId, state }) => {
    const earlier = known.get(agentId);
    known.delete(agentId);
    if (earlier === undefined) return [`agent ${agentId} is new: ${state ?? 'unknown'}`];
    return earlier === (state ?? 'unknown') ? [] : [`agent ${agentId}: ${earlier} → ${state ?? 'unknown'}`];
  });
  return [...changes, ...[...known.keys()].map((agentId) => `agent ${agentId} is gone`)];
}

function leaseChanges(before: ClusterLook, after: ClusterLook): string[] {
  const known = new Map(before.leases.map((lease) => [nameOf(lease), lease]));
  const changed = after.leases.filter((lease) => {
    const earlier = known.get(nameOf(lease));
    return earlier === undefined
      ? lease.agentId
      : earlier.epoch !== lease.epoch || earlier.agentId !== lease.agentId;
  });
  const named = changed.slice(0, partitionsNamedMax).map((lease) => {
    const from = known.get(nameOf(lease))?.agentId ?? 'nobody';
    const epoch = lease.agentId ? `, epoch ${lease.epoch ?? 'unknown'}` : '';
    return `${nameOf(lease)}: ${from} → ${lease.agentId ?? 'nobody'}${epoch}`;
  });
  const rest = changed.length - named.length;
  return rest > 0 ? [...named, `and ${rest} more partitions`] : named;
}

function nameOf({ topic, partition }: LeaseAnswer): string {
  return `${topic}/${partition}`;
}
