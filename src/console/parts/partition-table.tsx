// All partitions with their leaders, with a search: the map's facts for whoever reads rather than looks.
import { useMemo, useState } from 'preact/hooks';
import type { LeaseAnswer } from '../../http/schemas/answers/leases.ts';
import { placeOf } from '../model/happenings.ts';
import { addressOf } from '../model/route.ts';
import { Moment } from './moment.tsx';
import { byNumber, byText, type Column, WindowedTable } from './windowed-table.tsx';

export interface PartitionTableProps {
  readonly caption: string;
  readonly leases: readonly LeaseAnswer[];
  readonly moving: ReadonlyMap<string, string>;
}

export function PartitionTable({ caption, leases, moving }: PartitionTableProps) {
  const [wanted, setWanted] = useState('');
  const rows = useMemo(() => leases.filter(finder(wanted)), [leases, wanted]);
  const columns: readonly Column<LeaseAnswer>[] = [
    {
      title: 'Partition',
      isHeading: true,
      cell: (lease) => (
        <a class="name" href={addressOf('topics', lease.topic, lease.partition)} title={placeOf(lease)}>
          {placeOf(lease)}
        </a>
      ),
      order: byText(placeOf),
    },
    {
      title: 'Leader',
      cell: ({ agentId }) => <Leader agentId={agentId} />,
      order: byText(({ agentId }) => agentId ?? ''),
    },
    { title: 'Epoch', isNumber: true, cell: ({ epoch }) => epoch, order: byNumber(({ epoch }) => epoch) },
    {
      title: 'Since',
      cell: ({ acquiredAt }) => <Moment time={acquiredAt} />,
      order: byText(({ acquiredAt }) => acquiredAt ?? ''),
    },
    { title: 'Moving to', cell: (lease) => moving.get(placeOf(lease)) ?? '' },
  ];
  return (
    <div>
      <label class="search">
        <span>Find partition</span>
        <input
          type="search"
          value={wanted}
          onInput={({ currentTarget }) => setWanted(currentTarget.value)}
          placeholder="topic, topic/3, agent, or nobody"
        />
      </label>
      <p class="count" role="status">
        {rows.length === leases.length
          ? `${leases.length} partitions`
          : `${rows.length} of ${leases.length} partitions`}
      </p>
      <WindowedTable
        caption={caption}
        columns={columns}
        rows={rows}
        keyOf={placeOf}
        empty={leases.length === 0 ? 'There are no partitions.' : 'No partition matches.'}
      />
    </div>
  );
}

export function Leader({ agentId }: { readonly agentId: string | null }) {
  if (agentId === null) return <span class="vacant">nobody</span>;
  return (
    <a class="name" href={addressOf('agents', agentId)} title={agentId}>
      {agentId}
    </a>
  );
}

function finder(wanted: string): (lease: LeaseAnswer) => boolean {
  const text = wanted.trim().toLowerCase();
  if (text === '') return () => true;
  return (lease) =>
    placeOf(lease).toLowerCase().includes(text) || (lease.agentId ?? 'nobody').toLowerCase().includes(text);
}
