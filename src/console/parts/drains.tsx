// Agents that hand over what they lead, and how far each is.
import { useRef } from 'preact/hooks';
import type { AgentAnswer } from '../../http/schemas/answers/agents.ts';

export function Drains({ agents }: { readonly agents: readonly AgentAnswer[] }) {
  const most = useRef(new Map<string, number>());
  const draining = agents.filter(({ placement, leases }) => placement === 'draining' && leases > 0);
  const known = new Map(
    draining.map(({ agentId, leases }) => [agentId, Math.max(most.current.get(agentId) ?? 0, leases)]),
  );
  most.current = known;
  if (draining.length === 0) return null;
  return (
    <ul class="drains">
      {draining.map(({ agentId, leases }) => (
        <li key={agentId}>
          <span>
            Draining <span class="name">{agentId}</span>: {leases} of {known.get(agentId) ?? leases} still to
            hand over
          </span>
          <progress
            aria-label={`Handed over by ${agentId}`}
            max={known.get(agentId) ?? leases}
            value={(known.get(agentId) ?? leases) - leases}
          />
        </li>
      ))}
    </ul>
  );
}
