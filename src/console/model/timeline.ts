// What happened, in sentences, the newest first: seen by comparing what was read before and after, or told by this agent.

export interface Happening {
  readonly id: number;
  /** Of this machine's clock. */
  readonly atMs: number;
  readonly text: string;
  /** `seen`: found by comparing two reads; `told`: an event of this agent's own. */
  readonly source: 'seen' | 'told';
}

export type Timeline = readonly Happening[];

const happeningsMax = 500;

export function tell(
  timeline: Timeline,
  atMs: number,
  source: Happening['source'],
  texts: readonly string[],
): Timeline {
  if (texts.length === 0) return timeline;
  const next = (timeline[0]?.id ?? 0) + 1;
  const news = texts.map((text, index) => ({ id: next + index, atMs, text, source })).toReversed();
  return [...news, ...timeline].slice(0, happeningsMax);
}
