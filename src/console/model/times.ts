// Times and durations in words.

/** `0.4 s`, `12 s`, `3 min`, `5 h`, `2 d`. */
export function durationText(ms: number): string {
  const seconds = Math.max(0, ms) / 1_000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.floor(seconds)} s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium', hourCycle: 'h23' });

/** The time of day, with the date when that is not today. */
export function timeText(ms: number, nowMs: number): string {
  const at = new Date(ms);
  const isToday = at.toDateString() === new Date(nowMs).toDateString();
  return isToday ? clock.format(at) : `${isoDay(at)} ${clock.format(at)}`;
}

function isoDay(at: Date): string {
  const two = (number: number): string => String(number).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}
