// All agents of the group.
import type { AgentAnswer } from '../../http/schemas/answers/agents.ts';
import { addressOf } from '../model/route.ts';
import { useDesk } from '../desk.ts';
import { useStore } from '../hooks.ts';
import { AgentButtons } from '../parts/agent-buttons.tsx';
import { Drains } from '../parts/drains.tsx';
import { Moment } from '../parts/moment.tsx';
import { usePlacement } from '../parts/moves.tsx';
import { StateBadge } from '../parts/state-badge.tsx';
import { TimeLeft } from '../parts/time-left.tsx';
import { byNumber, byText, type Column, WindowedTable } from '../parts/windowed-table.tsx';

export function Agents() {
  const { live } = useDesk();
  const { agents, ttlMs } = useStore(live.cluster);
  const placement = usePlacement();
  const shares = new Map(placement?.agents.map(({ agentId, share }) => [agentId, share]));
  const columns: readonly Column<AgentAnswer>[] = [
    {
      title: 'Agent',
      isHeading: true,
      cell: ({ agentId }) => (
        <a class="name" href={addressOf('agents', agentId)} title={agentId}>
          {agentId}
        </a>
      ),
      order: byText(({ agentId }) => agentId),
    },
    {
      title: 'State',
      cell: ({ state }) => <StateBadge state={state} />,
      order: byText(({ state }) => state),
    },
    { title: 'Leads', isNumber: true, cell: ({ leases }) => leases, order: byNumber(({ leases }) => leases) },
    {
      title: 'Share',
      isNumber: true,
      cell: ({ agentId }) => shareText(shares.get(agentId)),
      order: byNumber(({ agentId }) => shares.get(agentId) ?? -1),
    },
    {
      title: 'Time left',
      cell: ({ agentId, expiresInMs }) => (
        <TimeLeft
          expiresInMs={expiresInMs}
          askedAtMs={agents?.askedAtMs ?? 0}
          ttlMs={ttlMs.get(agentId) ?? 0}
        />
      ),
      order: byNumber(({ expiresInMs }) => expiresInMs ?? 0),
    },
    { title: 'Change', cell: (agent) => <AgentButtons agent={agent} /> },
    { title: 'Last heartbeat', cell: ({ lastHeartbeatAt }) => <Moment time={lastHeartbeatAt} /> },
    { title: 'Zone', cell: ({ zone }) => <Cut text={zone} />, order: byText(({ zone }) => zone) },
    {
      title: 'Weight',
      isNumber: true,
      cell: ({ weight }) => weight,
      order: byNumber(({ weight }) => weight),
    },
    {
      title: 'Address',
      cell: ({ address }) => <Cut text={address} />,
      order: byText(({ address }) => address),
    },
    { title: 'Metadata', cell: ({ metadata }) => <Cut text={metadataText(metadata)} /> },
  ];
  return (
    <>
      <h2>Agents</h2>
      <Drains agents={agents?.value ?? []} />
      <WindowedTable
        caption="Agents"
        columns={columns}
        rows={agents?.value ?? []}
        keyOf={({ agentId }) => agentId}
        empty={agents === undefined ? 'Reading the agents …' : 'There are no agents.'}
      />
    </>
  );
}

/** In one line, and whole on demand. */
export function Cut({ text }: { readonly text: string }) {
  return (
    <span class="name" title={text}>
      {text}
    </span>
  );
}

export function shareText(share: number | null | undefined): string {
  if (share === undefined) return '…';
  return share === null ? 'takes nothing' : share.toFixed(1);
}

function metadataText(metadata: AgentAnswer['metadata']): string {
  const text = JSON.stringify(metadata);
  return text === '{}' ? '' : text;
}
