// One partition: why it is where it is, and who led it when.
import type { TermAnswer } from '../../http/schemas/answers/leases.ts';
import type { ExplanationAnswer } from '../../http/schemas/answers/rebalance.ts';
import { pathOf } from '../model/api.ts';
import { addressOf } from '../model/route.ts';
import { useDesk } from '../desk.ts';
import { useRead } from '../hooks.ts';
import { ReadFailure } from './freshness.tsx';
import { Moment } from './moment.tsx';
import { Leader } from './partition-table.tsx';

const historyLimit = 50;

export interface PartitionDetailsProps {
  readonly topic: string;
  readonly partition: number;
}

export function PartitionDetails({ topic, partition }: PartitionDetailsProps) {
  const { api } = useDesk();
  const path = pathOf(topic, partition);
  const explained = useRead(`explain ${path}`, (signal) =>
    api.get<ExplanationAnswer>(`v1/explain/${path}`, signal),
  );
  const past = useRead(`history ${path}`, (signal) =>
    api.get<{ history: TermAnswer[] }>(`v1/leases/${path}/history?limit=${historyLimit}`, signal),
  );
  const place = `${topic}/${partition}`;
  return (
    <section class="details" aria-label={`Partition ${place}`}>
      <h3 class="breakable">{place}</h3>
      <p>
        <a href={addressOf('topics', topic)}>Close the details</a>
      </p>
      <ReadFailure failure={explained.failure} />
      {explained.reading?.value.sentences.map((sentence) => (
        <p key={sentence}>{sentence}</p>
      ))}
      <ReadFailure failure={past.failure} />
      {past.reading !== undefined && <History place={place} terms={past.reading.value.history} />}
    </section>
  );
}

function History({ place, terms }: { readonly place: string; readonly terms: readonly TermAnswer[] }) {
  return (
    // A region that scrolls has to be reached by the keyboard.
    <div
      class="table-frame is-short"
      role="region"
      aria-label={`History of ${place}, scrollable`}
      tabIndex={0}
    >
      <table>
        <caption>History of {place}</caption>
        <thead>
          <tr>
            <th scope="col" class="number">
              Epoch
            </th>
            <th scope="col">Leader</th>
            <th scope="col">From</th>
            <th scope="col">To</th>
            <th scope="col">Ended by</th>
          </tr>
        </thead>
        <tbody>
          {terms.map(({ epoch, agentId, from, to, reason }) => (
            <tr key={epoch}>
              <td class="number">{epoch}</td>
              <td>
                <Leader agentId={agentId} />
              </td>
              <td>
                <Moment time={from} />
              </td>
              <td>{to === null ? 'goes on' : <Moment time={to} />}</td>
              <td>{reason?.replaceAll('_', ' ') ?? ''}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
