// All topics, with how many of their partitions nobody leads.
import type { TopicAnswer } from '../../http/schemas/answers/topics.ts';
import { readAll } from '../model/read-all.ts';
import { addressOf } from '../model/route.ts';
import { noLeases } from '../model/leases.ts';
import { durationText } from '../model/times.ts';
import { useDesk } from '../desk.ts';
import { useRead, useStore } from '../hooks.ts';
import { ReadFailure } from '../parts/freshness.tsx';
import { Moment } from '../parts/moment.tsx';
import { byNumber, byText, type Column, WindowedTable } from '../parts/windowed-table.tsx';
import { Cut } from './agents.tsx';

const none: readonly TopicAnswer[] = [];

export function Topics() {
  const { api, live } = useDesk();
  const { leases = noLeases } = useStore(live.cluster);
  const { reading, failure } = useRead('topics', (signal) =>
    readAll<TopicAnswer>(api, 'v1/topics', 'topics', signal),
  );
  const unled = ({ name }: TopicAnswer): number =>
    (leases.byTopic.get(name) ?? []).filter(({ agentId }) => agentId === null).length;
  const columns: readonly Column<TopicAnswer>[] = [
    {
      title: 'Topic',
      isHeading: true,
      cell: ({ name }) => (
        <a class="name" href={addressOf('topics', name)} title={name}>
          {name}
        </a>
      ),
      order: byText(({ name }) => name),
    },
    {
      title: 'Partitions',
      isNumber: true,
      cell: ({ partitionCount }) => partitionCount,
      order: byNumber(({ partitionCount }) => partitionCount),
    },
    {
      title: 'Unled',
      isNumber: true,
      cell: (topic) => {
        const count = unled(topic);
        return count === 0 ? '0' : <span class="vacant">{count}</span>;
      },
      order: byNumber(unled),
    },
    {
      title: 'Retention',
      cell: ({ retentionMs }) => (retentionMs === null ? 'for ever' : durationText(retentionMs)),
      order: byNumber(({ retentionMs }) => retentionMs ?? Number.MAX_SAFE_INTEGER),
    },
    {
      title: 'Created',
      cell: ({ createdAt }) => <Moment time={createdAt} />,
      order: byText(({ createdAt }) => createdAt),
    },
    { title: 'Config', cell: ({ config }) => <Cut text={configText(config)} /> },
  ];
  return (
    <>
      <h2>Topics</h2>
      <ReadFailure failure={failure} />
      <WindowedTable
        caption="Topics"
        columns={columns}
        rows={reading?.value ?? none}
        keyOf={({ name }) => name}
        empty={reading === undefined ? 'Reading the topics …' : 'There are no topics.'}
      />
    </>
  );
}

function configText(config: TopicAnswer['config']): string {
  const text = JSON.stringify(config);
  return text === '{}' ? '' : text;
}
