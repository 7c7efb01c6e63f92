// One agent: what it is, and what it leads.
import { addressOf } from '../model/route.ts';
import { noLeases } from '../model/leases.ts';
import { useDesk } from '../desk.ts';
import { useStore } from '../hooks.ts';
import { AgentButtons } from '../parts/agent-buttons.tsx';
import { Drains } from '../parts/drains.tsx';
import { Moment } from '../parts/moment.tsx';
import { usePlacement } from '../parts/moves.tsx';
import { PartitionTable } from '../parts/partition-table.tsx';
import { StateBadge } from '../parts/state-badge.tsx';
import { TimeLeft } from '../parts/time-left.tsx';
import { shareText } from './agents.tsx';
import { useMoving } from './overview.tsx';

export function Agent({ agentId }: { readonly agentId: string }) {
  const { live } = useDesk();
  const cluster = useStore(live.cluster);
  const placement = usePlacement();
  const moving = useMoving(cluster);
  const { agents, leases = noLeases, ttlMs } = cluster;
  const agent = agents?.value.find((each) => each.agentId === agentId);
  const share = placement?.agents.find((each) => each.agentId === agentId)?.share;
  if (agents === undefined) return <h2>Agent {agentId}</h2>;
  if (agent === undefined) {
    return (
      <>
        <h2 class="breakable">Agent {agentId}</h2>
        <p>
          There is no agent of this name in the group. <a href={addressOf('agents')}>All agents</a>
        </p>
      </>
    );
  }
  return (
    <>
      <h2 class="breakable">Agent {agentId}</h2>
      <p>
        <StateBadge state={agent.state} /> <AgentButtons agent={agent} />
      </p>
      <Drains agents={[agent]} />
      <dl class="facts">
        <div>
          <dt>Leads</dt>
          <dd>
            {agent.leases} <small>share {shareText(share)}</small>
          </dd>
        </div>
        <div>
          <dt>Time left</dt>
          <dd>
            <TimeLeft
              expiresInMs={agent.expiresInMs}
              askedAtMs={agents.askedAtMs}
              ttlMs={ttlMs.get(agentId) ?? 0}
            />
          </dd>
        </div>
        <div>
          <dt>Last heartbeat</dt>
          <dd>
            <Moment time={agent.lastHeartbeatAt} />
          </dd>
        </div>
        <div>
          <dt>Zone, weight</dt>
          <dd class="breakable">
            {agent.zone}, {agent.weight}
          </dd>
        </div>
        <div>
          <dt>Address</dt>
          <dd class="breakable">{agent.address}</dd>
        </div>
        <div>
          <dt>Willing to lead</dt>
          <dd class="breakable">
            {agent.managedTopics.length === 0 ? 'all topics' : agent.managedTopics.join(', ')}
          </dd>
        </div>
        <div>
          <dt>Session</dt>
          <dd class="breakable">{agent.sessionId ?? 'none'}</dd>
        </div>
      </dl>
      {Object.keys(agent.metadata).length > 0 && (
        <details>
          <summary>Metadata</summary>
          <pre tabIndex={0}>{JSON.stringify(agent.metadata, null, 2)}</pre>
        </details>
      )}
      <PartitionTable
        caption={`Partitions of ${agentId}`}
        leases={leases.byAgent.get(agentId) ?? []}
        moving={moving}
      />
    </>
  );
}
