// What happened, the newest first.
import type { Timeline } from '../model/timeline.ts';
import { timeText } from '../model/times.ts';

export function EventList({ timeline }: { readonly timeline: Timeline }) {
  if (timeline.length === 0) return <p>Nothing has happened since this page was opened.</p>;
  return (
    <ul class="events" aria-label="Events">
      {timeline.map(({ id, atMs, text, source }) => {
        const at = new Date(atMs).toISOString();
        return (
          <li key={id} class={`is-${source}`}>
            <time dateTime={at} title={at}>
              {timeText(atMs, Date.now())}
            </time>{' '}
            <span>{text}</span>
          </li>
        );
      })}
    </ul>
  );
}
