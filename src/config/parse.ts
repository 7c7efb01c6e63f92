// Parsers of single settings: text in, value out, or a sentence that says what would be right.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { NAME_PATTERN } from '../domain/limits.ts';
import { HostListProblem, urlsByHost } from '../store/host-list.ts';
import { ConfigError } from './config-error.ts';

export type Parse<T> = (text: string, name: string) => T;

/** A value as error texts repeat it: short, on one line, and without a password that landed in the wrong setting. */
export function shown(text: string): string {
  const line = onOneLine(withoutPasswords(text));
  return line.length > 60 ? `${line.slice(0, 57)}…` : line;
}

export function onOneLine(text: string): string {
  return text.trim().replace(/\s*[\r\n]+\s*/g, ' ');
}

/** Any text, with what looks like a password in a URL masked; rather too much than too little. */
export function withoutPasswords(text: string): string {
  return text
    .replace(/(\w:\/\/[^\s:/?#@]*:).*@/gs, '$1***@')
    .replace(/([?&][^\s=&#]*(?:pass|pwd|secret|token|key)[^\s=&#]*=)[^\s&]*/gi, '$1***');
}

export function integer(min: number, max: number): Parse<number> {
  return (text, name) => {
    const value = Number(text);
    if (/^-?\d+$/.test(text.trim()) && value >= min && value <= max) return value;
    throw new ConfigError(`${name}="${shown(text)}" must be a whole number from ${min} to ${max}`);
  };
}

/** A port; Kubernetes injects `tcp://…` under such names, prefixed ones too, when a Service is called alike. */
export const port: Parse<number> = (text, name) => {
  if (text.startsWith('tcp://') && /^[A-Z_]+$/.test(name)) {
    const wayOut = name.startsWith('STREAMHOUSE_')
      ? 'rename the Service'
      : `set STREAMHOUSE_${name}, which wins`;
    throw new ConfigError(
      `${name}="${shown(text)}" was not meant for us: Kubernetes sets it because a Service has that name; ${wayOut}, or set enableServiceLinks: false`,
    );
  }
  return integer(0, 65_535)(text, name);
};

/** A port, or `off` for none. */
export const portOrOff: Parse<number | 'off'> = (text, name) =>
  text.trim().toLowerCase() === 'off' ? 'off' : port(text, name);

/** What every Unix takes; a longer one would be cut off without a word. */
const socketPathBytesMax = 103;

/** The path of a Unix socket, made absolute, so that it means the same to whoever reads it in a log. */
export const socketPath: Parse<string> = (text, name) => {
  const path = resolve(
    nonEmpty(text, name)
      .trim()
      .replace(/^unix:/, ''),
  );
  if (Buffer.byteLength(path) <= socketPathBytesMax) return path;
  throw new ConfigError(
    `${name}="${shown(text)}" is too long for a Unix socket: at most ${socketPathBytesMax} bytes; choose a shorter path, such as /run/streamhouse.sock`,
  );
};

const tokenLengthMin = 16;

/** A bearer token as HTTP can carry it. Never repeated in an error. */
export const token: Parse<string> = (text, name) => {
  if (text.length >= tokenLengthMin && /^[\x21-\x7e]+$/.test(text)) return text;
  throw new ConfigError(
    `${name} must be at least ${tokenLengthMin} characters of printable ASCII without blanks, for example from: openssl rand -hex 32`,
  );
};

/** A name or an address to listen on; an IPv6 address may stand in brackets, as in a URL. */
export const host: Parse<string> = (text, name) =>
  nonEmpty(text, name)
    .trim()
    .replace(/^\[(.*)\]$/, '$1');

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

/** The path of a file that can be read now: the driver would only find out later, and not say which setting it was. */
export const readableFile: Parse<string> = (text, name) => {
  try {
    readFileSync(nonEmpty(text, name));
    return text;
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError(`${name}="${shown(text)}" cannot be read: ${fileProblem(error)}`);
  }
};

/** What is wrong with a file, without its path, which is told already. */
export function fileProblem(error: unknown): string {
  const said = error instanceof Error ? error.message : String(error);
  return onOneLine(withoutPasswords(said.replace(/, \w+( '.*')?$/s, '')));
}

/** Where something is asked by HTTP. */
export const httpUrl: Parse<string> = (text, name) => {
  if (/^https?:\/\//i.test(text) && URL.canParse(text)) return text;
  throw new ConfigError(`${name}="${shown(text)}" must be a URL such as http://127.0.0.1:9092/health`);
};

export const jsonObject: Parse<Readonly<Record<string, unknown>>> = (text, name) => {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
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

/** `sqlite:PATH` or `postgres://…`, the latter with one host or several. The text is never repeated in an error: it holds a password. */
export const databaseUrl: Parse<string> = (text, name) => {
  if (text.startsWith('sqlite:')) {
    if (sqliteFile(text) !== '') return text;
    throw new ConfigError(`${name} names no file; write it as sqlite:./data/metadata.db`);
  }
  if (!/^postgres(ql)?:\/\//.test(text)) {
    throw new ConfigError(`${name} must begin with sqlite: or postgres://`);
  }
  const urls = hostUrls(text, name);
  for (const url of urls) refuseBrokenUrl(url, name);
  return text;
};

function hostUrls(text: string, name: string): readonly string[] {
  try {
    return urlsByHost(text);
  } catch (error) {
    if (error instanceof HostListProblem) throw new ConfigError(`${name} ${error.message}`);
    throw error;
  }
}

/** A URL with one host. */
function refuseBrokenUrl(text: string, name: string): void {
  const afterScheme = text.replace(/^postgres(ql)?:\/\//, '');
  const [authority = ''] = afterScheme.split(/[/?#]/);
  // `u:12/x@host`: the password's own slash would make `u` the host and show the rest of the password as the database.
  const isTorn = !authority.includes('@') && /^[^@=]*@/.test(afterScheme);
  const url = isTorn ? undefined : parseUrl(text);
  if (url === undefined) {
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
}

/** The driver decodes each part: what cannot be decoded must not get as far. A fragment means an unencoded `#`. */
function parseUrl(text: string): URL | undefined {
  try {
    const url = new URL(text);
    for (const part of [url.username, url.password, url.hostname, url.pathname]) decodeURIComponent(part);
    return url.hash === '' ? url : undefined;
  } catch {
    return undefined;
  }
}

export function sqliteFile(url: string): string {
  return url.replace(/^sqlite:(\/\/)?/, '');
}

/** The URL without what must not be seen: for logs and `--print-config`. */
export function withoutPassword(url: string): string {
  if (url.startsWith('sqlite:')) return url;
  try {
    if (urlsByHost(url).length > 1) return withHostsOf(url, withoutPassword(withOneHost(url)));
    const parsed = new URL(url);
    if (parsed.password !== '') parsed.password = '***';
    for (const key of new Set(parsed.searchParams.keys())) {
      if (/pass|pwd|secret|token|key/i.test(key)) parsed.searchParams.set(key, '***');
    }
    return parsed.href;
  } catch {
    return '***';
  }
}

/** What stands between the user and the path, when several hosts do. */
const hostsPlace = /^(\w+:\/\/(?:[^/?#]*@)?)([^/?#]*)/;

function withOneHost(url: string): string {
  return url.replace(hostsPlace, (_, before: string) => `${before}hosts`);
}

function withHostsOf(url: string, masked: string): string {
  const hosts = hostsPlace.exec(url)?.[2] ?? '';
  return masked.replace(hostsPlace, (_, before: string) => `${before}${hosts}`);
}
