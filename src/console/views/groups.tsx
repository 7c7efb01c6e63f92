// All consumer groups.
import type { GroupAnswer } from '../../http/schemas/answers/groups.ts';
import { readAll } from '../model/read-all.ts';
import { addressOf } from '../model/route.ts';
import { useDesk } from '../desk.ts';
import { useRead } from '../hooks.ts';
import { ReadFailure } from '../parts/freshness.tsx';
import { Moment } from '../parts/moment.tsx';
import { byText, type Column, WindowedTable } from '../parts/windowed-table.tsx';

const none: readonly GroupAnswer[] = [];

const columns: readonly Column<GroupAnswer>[] = [
  {
    title: 'Group',
    isHeading: true,
    cell: ({ group }) => (
      <a class="name" href={addressOf('groups', group)} title={group}>
        {group}
      </a>
    ),
    order: byText(({ group }) => group),
  },
  {
    title: 'Created',
    cell: ({ createdAt }) => <Moment time={createdAt} />,
    order: byText(({ createdAt }) => createdAt),
  },
];

export function Groups() {
  const { api } = useDesk();
  const { reading, failure } = useRead('groups', (signal) =>
    readAll<GroupAnswer>(api, 'v1/groups', 'groups', signal),
  );
  return (
    <>
      <h2>Groups</h2>
      <ReadFailure failure={failure} />
      <WindowedTable
        caption="Groups"
        columns={columns}
        rows={reading?.value ?? none}
        keyOf={({ group }) => group}
        empty={reading === undefined ? 'Reading the groups …' : 'No consumer group has committed anything.'}
      />
    </>
  );
}
