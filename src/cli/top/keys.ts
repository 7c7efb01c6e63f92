// Keys out of what a terminal in raw mode sends.

export type Key =
  | 'up'
  | 'down'
  | 'pageUp'
  | 'pageDown'
  | 'home'
  | 'end'
  | 'tab'
  | 'backTab'
  | 'enter'
  | 'escape'
  | 'backspace'
  | 'interrupt'
  | 'suspend'
  | { readonly typed: string };

const sequences: Readonly<Record<string, Key>> = {
  '[A': 'up',
  OA: 'up',
  '[B': 'down',
  OB: 'down',
  '[5~': 'pageUp',
  '[6~': 'pageDown',
  '[H': 'home',
  OH: 'home',
  '[1~': 'home',
  '[F': 'end',
  OF: 'end',
  '[4~': 'end',
  '[Z': 'backTab',
};

const controls: Readonly<Record<string, Key>> = {
  '\t': 'tab',
  '\r': 'enter',
  '\n': 'enter',
  '\u0003': 'interrupt',
  '\u0004': 'interrupt',
  '\u001a': 'suspend',
  '\u007f': 'backspace',
  '\b': 'backspace',
};

const escape = '\u001b';

/** An escape sequence arrives in one piece; a lone ESC is the key. Sequences that are unknown are no key. */
export function keysOf(text: string): Key[] {
  const keys: Key[] = [];
  for (let rest = text; rest !== '';) {
    const { key, length } = firstKey(rest);
    if (key !== undefined) keys.push(key);
    rest = rest.slice(length);
  }
  return keys;
}

function firstKey(text: string): { key: Key | undefined; length: number } {
  const [character = ''] = text;
  if (character !== escape) {
    const key = controls[character];
    if (key !== undefined) return { key, length: 1 };
    return { key: character >= ' ' ? { typed: character } : undefined, length: character.length };
  }
  const [sequence] = /^(?:\[[0-9;?]*[ -/]*[@-~]|O.)/.exec(text.slice(1)) ?? [];
  if (sequence === undefined) return { key: 'escape', length: 1 };
  return { key: sequences[sequence], length: 1 + sequence.length };
}
