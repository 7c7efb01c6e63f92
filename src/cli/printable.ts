// Text from elsewhere, made safe for a terminal: names, metadata and a proxy's answer must not move its cursor.

/** Control, formatting (bidirectional overrides) and line-separating characters. */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** The text on one line, with what a terminal would act on written as `\u{1b}`. */
export function printable(text: string): string {
  return text.replace(unprintable, (character) => `\\u{${character.codePointAt(0)?.toString(16) ?? ''}}`);
}
