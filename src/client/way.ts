// The way to an agent: what its URL means, and a fetch that takes it. Node's own fetch knows neither Unix sockets nor a certificate
// authority of one's own, so for these there is the library that it is made of. It is loaded when it is needed: that takes as long as
// all else that a command does.

/** The socket's path in `unix:/run/streamhouse.sock`; undefined when the agent is reached otherwise. */
export function socketPathOf(url: string): string | undefined {
  return url.startsWith('unix:') ? url.slice('unix:'.length).replace(/^\/\/(?=\/)/, '') : undefined;
}

/** `ca`: the certificates to trust instead of Node's own, PEM. */
export function fetchFor(url: string, ca: string | undefined): typeof globalThis.fetch {
  const socketPath = socketPathOf(url);
  if (socketPath === undefined && (ca === undefined || !url.startsWith('https:'))) return globalThis.fetch;
  const connect = socketPath === undefined ? { ca: ca ?? '' } : { socketPath };
  let loaded: ReturnType<typeof loadFetch> | undefined;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the same function as Node's, with types of its own
  return (async (input: string, init: object) => {
    loaded ??= loadFetch(connect);
    const { fetch, dispatcher } = await loaded;
    return fetch(input, { ...init, dispatcher });
  }) as unknown as typeof globalThis.fetch;
}

async function loadFetch(connect: { readonly ca: string } | { readonly socketPath: string }) {
  const { Agent, fetch } = await import('undici');
  return { fetch, dispatcher: new Agent({ connect }) };
}

export interface Target {
  /** The path's parts, not yet encoded. */
  readonly path: readonly string[];
  /** What is undefined is left out. */
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
}

/** What fetch is given. `url`: the agent's, without a slash at its end. */
export function targetOf(url: string, { path, query = {} }: Target): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) search.set(name, String(value));
  }
  const suffix = search.size === 0 ? '' : `?${search.toString()}`;
  // On a Unix socket the host means nothing.
  const base = socketPathOf(url) === undefined ? url : 'http://localhost';
  return `${base}/${path.map(encodeURIComponent).join('/')}${suffix}`;
}
