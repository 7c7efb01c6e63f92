// The timeline: what this page has seen happen, and what this agent has told of itself.
import { useMemo, useState } from 'preact/hooks';
import { useDesk } from '../desk.ts';
import { useStore } from '../hooks.ts';
import { EventList } from '../parts/event-list.tsx';

type Wanted = 'all' | 'seen' | 'told';

export function Events() {
  const { live } = useDesk();
  const { timeline } = useStore(live.cluster);
  const [text, setText] = useState('');
  const [wanted, setWanted] = useState<Wanted>('all');
  const shown = useMemo(() => {
    const part = text.trim().toLowerCase();
    return timeline.filter(
      (each) => (wanted === 'all' || each.source === wanted) && each.text.toLowerCase().includes(part),
    );
  }, [timeline, text, wanted]);
  return (
    <>
      <h2>Events</h2>
      <p>
        The last 500 since this page was opened: what it saw change between two reads of the cluster, and what
        this agent says of itself. What came and went between two reads is not here; a partition&apos;s
        history has every term.
      </p>
      <div class="filters">
        <label class="search">
          <span>Find event</span>
          <input type="search" value={text} onInput={({ currentTarget }) => setText(currentTarget.value)} />
        </label>
        <label>
          <span>Show</span>
          <select
            value={wanted}
            onChange={({ currentTarget }) =>
              setWanted(sources.find((each) => each === currentTarget.value) ?? 'all')
            }
          >
            <option value="all">all</option>
            <option value="seen">the cluster&apos;s</option>
            <option value="told">this agent&apos;s own</option>
          </select>
        </label>
      </div>
      <EventList timeline={shown} />
    </>
  );
}

const sources: readonly Wanted[] = ['all', 'seen', 'told'];
