/**
 * Topic patterns: how an operator says which topics an agent is willing to lead. Not regular expressions,
 * because a pattern comes from configuration and a careless regular expression can take exponential time on a
 * planning tick.
 */

/**
 * Whether `name` as a whole fits `pattern`: `*` stands for any text, also none, `?` for exactly one character
 * (one UTF-16 code unit), everything else for itself, case included. There is no escape: topic names contain
 * neither.
 *
 * One pass from left to right over the texts between the stars, each taken at the first place where it fits: a
 * later place could only leave less for the rest, so nothing is ever tried again. Linear in the name; at the
 * very worst times the longest text between two stars (`*aaab*`), never exponential.
 */
export function matchesTopicPattern(pattern: string, name: string): boolean {
  const firstStar = pattern.indexOf('*');
  if (firstStar < 0) return name.length === pattern.length && fitsAt(pattern, 0, pattern.length, name, 0);

  // What stands before the first star and behind the last has one place only.
  const lastStar = pattern.lastIndexOf('*');
  const tailStart = name.length - (pattern.length - lastStar - 1);
  if (tailStart < firstStar) return false;
  if (!fitsAt(pattern, 0, firstStar, name, 0)) return false;
  if (!fitsAt(pattern, lastStar + 1, pattern.length, name, tailStart)) return false;

  let star = firstStar;
  let from = firstStar;
  while (star < lastStar) {
    const nextStar = pattern.indexOf('*', star + 1);
    const length = nextStar - star - 1;
    while (from + length <= tailStart && !fitsAt(pattern, star + 1, nextStar, name, from)) from += 1;
    from += length;
    if (from > tailStart) return false;
    star = nextStar;
  }
  return true;
}

/** Whether an agent that lists these patterns is willing to lead the topic; without any it leads every topic. */
export function listsTopic(patterns: readonly string[], name: string): boolean {
  return patterns.length === 0 || patterns.some((pattern) => matchesTopicPattern(pattern, name));
}

/**
 * The text that every match begins with: `pattern` up to its first wildcard. A caller with many patterns looks
 * up the few that can match a name by it.
 */
export function literalPrefix(pattern: string): string {
  const wildcard = pattern.search(/[*?]/);
  return wildcard < 0 ? pattern : pattern.slice(0, wildcard);
}

const anyCharacter = '?'.charCodeAt(0);

/**
 * Whether the part of `pattern` from `start` to `end`, which has no star, fits `name` at `at`. No slices:
 * called often.
 */
function fitsAt(pattern: string, start: number, end: number, name: string, at: number): boolean {
  for (let i = start; i < end; i += 1) {
    const wanted = pattern.charCodeAt(i);
    if (wanted !== anyCharacter && wanted !== name.charCodeAt(at + i - start)) return false;
  }
  return true;
}
