// Which view an address names: what follows the `#`, so that the page stays one file behind any path.

export type Route =
  | { readonly view: 'overview' | 'agents' | 'topics' | 'groups' | 'events' }
  | { readonly view: 'agent'; readonly agentId: string }
  | { readonly view: 'topic'; readonly topic: string; readonly partition: number | undefined }
  | { readonly view: 'group'; readonly group: string }
  | { readonly view: 'unknown'; readonly address: string };

export function routeOf(hash: string): Route {
  const address = hash.replace(/^#\/?/, '');
  const [view = '', name, part, ...rest] = address.split('/').map(decoded);
  const unknown: Route = { view: 'unknown', address };
  if (rest.length > 0 || (part !== undefined && view !== 'topics')) return unknown;
  if (name === undefined || name === '') return listOf(view) ?? unknown;
  if (view === 'agents') return { view: 'agent', agentId: name };
  if (view === 'groups') return { view: 'group', group: name };
  if (view !== 'topics' || !/^\d*$/.test(part ?? '')) return unknown;
  return {
    view: 'topic',
    topic: name,
    partition: part === undefined || part === '' ? undefined : Number(part),
  };
}

function listOf(view: string): Route | undefined {
  if (view === '') return { view: 'overview' };
  return view === 'agents' || view === 'topics' || view === 'groups' || view === 'events'
    ? { view }
    : undefined;
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

export function addressOf(...segments: readonly (string | number)[]): string {
  return `#/${segments.map((segment) => encodeURIComponent(segment)).join('/')}`;
}
