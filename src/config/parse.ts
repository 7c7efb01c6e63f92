// Parsers of single settings: text in, value out, or a sentence that says what would be right.
import { NAME_PATTERN } from '../domain/limits.ts';
import { ConfigError } from './config-error.ts';

export type Parse<T> = (text: string, name: string) => T;

/** Error texts never repeat a value that could hold a secret. */
function shown(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

export function integer(min: number, max: number): Parse<number> {
  return (text, name) => {
    const value = Number(text);
    if (/^-?\d+$/.test(text.trim()) && value >= min && value <= max) return value;
    throw new ConfigError(`${name}="${shown(text)}" must be a whole number from ${min} to ${max}`);
  };
}

/** A port; Kubernetes injects `tcp://…` under such names when a Service is called alike. */
export const port: Parse<number> = (text, name) => {
  if (/^tcp:\/\//.test(text)) {
    throw new ConfigError(
      `${name}="${shown(text)}" was not meant for us: Kubernetes sets it because a Service has that name; set STREAMHOUSE_${name}, which wins, or enableServiceLinks: false`,
    );
  }
  return integer(0, 65_535)(text, name);
};

export const boolean: Parse<boolean> = (text, name) => {
  if (['true', '1', 'on', 'yes'].includes(text.toLowerCase())) return true;
  if (['false', '0', 'off', 'no'].includes(text.toLowerCase())) return false;
  throw new ConfigError(`${name}="${shown(text)}" must be true or false`);
};

export function oneOf<T extends string>(...values: readonly T[]): Parse<T> {
  return (text, name) => {
    const found = values.find((value) => value === text);
    if (found !== undefined) return found;
    throw new ConfigError(`${name}="${shown(text)}" must be one of ${values.join(', ')}`);
  };
}

export const resourceName: Parse<string> = (text, name) => {
  if (NAME_PATTERN.test(text)) return text;
  throw new ConfigError(
    `${name}="${shown(text)}" must be 1 to 249 of the characters A-Z a-z 0-9 . _ -, and not "." or ".."`,
  );
};

export const nonEmpty: Parse<string> = (text, name) => {
  if (text.trim() !== '' && !text.includes('\0')) return text;
  throw new ConfigError(`${name} must not be empty`);
};

export const jsonObject: Parse<Readonly<Record<string, unknown>>> = (text, name) => {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch {
    // Told below, with what would be right.
  }
  throw new ConfigError(`${name}="${shown(text)}" must be a JSON object, for example {"rack":"r1"}`);
};

export const commaList: Parse<readonly string[]> = (text) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');

/** `sqlite:PATH` or `postgres://…`. The text is never repeated in an error: it holds a password. */
export const databaseUrl: Parse<string> = (text, name) => {
  if (text.startsWith('sqlite:')) {
    if (sqliteFile(text) !== '') return text;
    throw new ConfigError(`${name} names no file; write it as sqlite:./data/metadata.db`);
  }
  if (!/^postgres(ql)?:\/\//.test(text)) {
    throw new ConfigError(`${name} must begin with sqlite: or postgres://`);
  }
  const authority = text.replace(/^postgres(ql)?:\/\//, '').split(/[/?]/)[0] ?? '';
  if (authority.includes(',')) {
    throw new ConfigError(`${name} names several hosts, which this release does not support yet; name one`);
  }
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new ConfigError(
      `${name} is not a valid URL; write it as postgres://USER:PASSWORD@HOST:5432/DATABASE, special characters percent-encoded`,
    );
  }
  if (url.hostname === '' && url.searchParams.get('host') === null) {
    throw new ConfigError(`${name} names no host; write it as postgres://USER:PASSWORD@HOST:5432/DATABASE`);
  }
  if (url.pathname.length < 2) {
    throw new ConfigError(
      `${name} names no database; write it as postgres://USER:PASSWORD@HOST:5432/DATABASE`,
    );
  }
  return text;
};

export function sqliteFile(url: string): string {
  return url.replace(/^sqlite:(\/\/)?/, '');
}

/** The URL without what must not be seen: for logs and `--print-config`. */
export function withoutPassword(url: string): string {
  if (url.startsWith('sqlite:')) return url;
  try {
    const parsed = new URL(url);
    if (parsed.password !== '') parsed.password = '***';
    for (const key of [...parsed.searchParams.keys()]) {
      if (/password|secret|key/i.test(key)) parsed.searchParams.set(key, '***');
    }
    return parsed.href;
  } catch {
    return '***';
  }
}
