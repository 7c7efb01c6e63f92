// The URL of an agent, checked before it is used.
import { InvalidArgumentError } from 'commander';

export const serviceUrlDefault = 'http://127.0.0.1:7070';

/**
 * A Unix socket, as `unix:/run/streamhouse.sock`, or an http or https URL, without the slash at its end; a path is kept, for agents behind a proxy. Throws
 * InvalidArgumentError with a sentence; the sentence repeats nothing that may be a secret.
 */
export function parseServiceUrl(text: string): string {
  if (text.startsWith('unix:')) return parseSocket(text);
  const url = parse(text);
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    // `localhost:7070` parses, with the protocol `localhost:`.
    const isBareHost = /^[A-Za-z0-9.[\]:-]+$/.test(text) && parse(`http://${text}`) !== undefined;
    const wanted = isBareHost ? `http://${text}` : serviceUrlDefault;
    throw new InvalidArgumentError(`It must begin with http://, https:// or unix:/, such as ${wanted}.`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new InvalidArgumentError(
      'It must not contain a user or password: the token goes into STREAMHOUSE_TOKEN.',
    );
  }
  if (url.search !== '' || url.hash !== '') {
    throw new InvalidArgumentError('It must end with the host, the port or a path: no "?" and no "#".');
  }
  return url.href.replace(/\/+$/, '');
}

/** `unix:///run/x.sock` is meant as well: some write every URL with slashes. */
function parseSocket(text: string): string {
  const path = text.slice('unix:'.length).replace(/^\/\/(?=\/)/, '');
  if (/^\/(?!\/)[^\0]+$/.test(path)) return `unix:${path}`;
  throw new InvalidArgumentError(
    'It must name the socket by its absolute path, such as unix:/run/streamhouse.sock.',
  );
}

function parse(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}
