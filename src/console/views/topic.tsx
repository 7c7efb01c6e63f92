// One topic's partitions, and one of them in detail.
import type { LedPartitionAnswer } from '../../http/schemas/answers/topics.ts';
import { moveQuestion, releaseQuestion } from '../changes.ts';
import { pathOf } from '../model/api.ts';
import { placeOf } from '../model/happenings.ts';
import { readAll } from '../model/read-all.ts';
import { addressOf } from '../model/route.ts';
import { useDesk } from '../desk.ts';
import { useRead } from '../hooks.ts';
import { ChangeButton } from '../parts/change-button.tsx';
import { ReadFailure } from '../parts/freshness.tsx';
import { PartitionDetails } from '../parts/partition-details.tsx';
import { Leader } from '../parts/partition-table.tsx';
import { byNumber, byText, type Column, WindowedTable } from '../parts/windowed-table.tsx';

const none: readonly LedPartitionAnswer[] = [];

export interface TopicProps {
  readonly topic: string;
  readonly partition: number | undefined;
}

export function Topic({ topic, partition }: TopicProps) {
  const { api } = useDesk();
  const { reading, failure } = useRead(`topic ${topic}`, (signal) =>
    readAll<LedPartitionAnswer>(api, `v1/topics/${pathOf(topic)}/partitions`, 'partitions', signal),
  );
  const columns: readonly Column<LedPartitionAnswer>[] = [
    {
      title: 'Partition',
      isHeading: true,
      cell: (each) => (
        <a class="name" href={addressOf('topics', topic, each.partition)} title={placeOf(each)}>
          {placeOf(each)}
        </a>
      ),
      order: byNumber((each) => each.partition),
    },
    {
      title: 'Leader',
      cell: ({ leader }) => <Leader agentId={leader} />,
      order: byText(({ leader }) => leader ?? ''),
    },
    { title: 'Epoch', isNumber: true, cell: ({ epoch }) => epoch, order: byNumber(({ epoch }) => epoch) },
    {
      title: 'High watermark',
      isNumber: true,
      cell: ({ highWatermark }) => highWatermark,
      order: byNumber(({ highWatermark }) => highWatermark),
    },
    {
      title: 'Start offset',
      isNumber: true,
      cell: ({ startOffset }) => startOffset,
      order: byNumber(({ startOffset }) => startOffset),
    },
    { title: 'Change', cell: (each) => <PartitionButtons partition={each} /> },
  ];
  return (
    <>
      <h2 class="breakable">Topic {topic}</h2>
      <p>
        <a href={addressOf('topics')}>All topics</a>
      </p>
      <ReadFailure failure={failure} />
      {partition !== undefined && (
        <PartitionDetails key={`${topic}/${partition}`} topic={topic} partition={partition} />
      )}
      <WindowedTable
        caption={`Partitions of ${topic}`}
        columns={columns}
        rows={reading?.value ?? none}
        keyOf={placeOf}
        isMarked={(each) => each.partition === partition}
        empty={reading === undefined ? 'Reading the partitions …' : 'There are no partitions.'}
      />
    </>
  );
}

function PartitionButtons({ partition: shown }: { readonly partition: LedPartitionAnswer }) {
  const { api, live } = useDesk();
  const { topic, partition, leader, epoch } = shown;
  const seen = { topic, partition, agentId: leader, epoch };
  return (
    <span class="buttons">
      <ChangeButton
        text="Move"
        label={`Move ${placeOf(shown)}`}
        question={() => moveQuestion(api, seen, live.cluster.value.agents?.value ?? [])}
      />
      <ChangeButton
        text="Release"
        label={`Release ${placeOf(shown)}`}
        question={() => releaseQuestion(api, seen)}
        isDisabled={leader === null}
      />
    </span>
  );
}
