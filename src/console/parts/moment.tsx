// A point in time: short to see, in full on demand.
import { durationText, timeText } from '../model/times.ts';

/** `time`: RFC 3339; null is a dash. */
export function Moment({ time }: { readonly time: string | null }) {
  if (time === null) return <span>–</span>;
  const ms = Date.parse(time);
  return (
    <time dateTime={time} title={time}>
      {timeText(ms, Date.now())}
    </time>
  );
}

export function Since({ time }: { readonly time: string | null }) {
  if (time === null) return <span>–</span>;
  return (
    <time dateTime={time} title={time}>
      {durationText(Date.now() - Date.parse(time))}
    </time>
  );
}
