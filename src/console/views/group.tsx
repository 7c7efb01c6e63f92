// One consumer group: where it is in each partition, and how far behind.
import { useDesk } from '../desk.ts';
import { placeOf } from '../model/happenings.ts';
import { type OffsetWithLag, readLag } from '../model/lag.ts';
import { addressOf } from '../model/route.ts';
import { useRead } from '../hooks.ts';
import { ReadFailure } from '../parts/freshness.tsx';
import { Moment } from '../parts/moment.tsx';
import { byNumber, byText, type Column, WindowedTable } from '../parts/windowed-table.tsx';
import { Cut } from './agents.tsx';

const none: readonly OffsetWithLag[] = [];

const columns: readonly Column<OffsetWithLag>[] = [
  {
    title: 'Partition',
    isHeading: true,
    cell: (each) => (
      <a class="name" href={addressOf('topics', each.topic, each.partition)} title={placeOf(each)}>
        {placeOf(each)}
      </a>
    ),
    order: byText(placeOf),
  },
  { title: 'Offset', isNumber: true, cell: ({ offset }) => offset, order: byNumber(({ offset }) => offset) },
  {
    title: 'High watermark',
    isNumber: true,
    cell: ({ highWatermark }) => highWatermark ?? '–',
    order: byNumber(({ highWatermark }) => highWatermark ?? -1),
  },
  { title: 'Lag', isNumber: true, cell: ({ lag }) => lag ?? '–', order: byNumber(({ lag }) => lag ?? -1) },
  {
    title: 'Committed',
    cell: ({ committedAt }) => <Moment time={committedAt} />,
    order: byText(({ committedAt }) => committedAt),
  },
  { title: 'Metadata', cell: ({ metadata }) => <Cut text={metadata ?? ''} /> },
];

export function Group({ group }: { readonly group: string }) {
  const { api } = useDesk();
  const { reading, failure } = useRead(`group ${group}`, (signal) => readLag(api, group, signal));
  const total = reading?.value.reduce((sum, { lag }) => sum + (lag ?? 0), 0);
  return (
    <>
      <h2 class="breakable">Group {group}</h2>
      <p>
        <a href={addressOf('groups')}>All groups</a>
        {total !== undefined && ` · ${total} records behind in all`}
      </p>
      <ReadFailure failure={failure} />
      <WindowedTable
        caption={`Offsets of ${group}`}
        columns={columns}
        rows={reading?.value ?? none}
        keyOf={placeOf}
        empty={reading === undefined ? 'Reading the offsets …' : 'The group has committed nothing.'}
      />
    </>
  );
}
