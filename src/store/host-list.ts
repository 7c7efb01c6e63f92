// The hosts of a PostgreSQL URL, as libpq reads them: `postgres://h1:5432,h2/db`, or `postgres:///db?host=h1,h2&port=5432,5433`. The
// driver knows one host only, so a list becomes one URL for each.

/** What is wrong with a list of hosts; the message begins with a verb, names places and repeats nothing: a password may be in there. */
export class HostListProblem extends Error {
  override readonly name = 'HostListProblem';
}

/** A probe of one that is silent takes its share of an attempt from all others. */
const hostsMax = 8;

const form = /^(postgres(?:ql)?:\/\/)([^/?#]*)([^?#]*)(?:\?([^#]*))?(#.*)?$/s;
/** A name or address, in brackets if it holds colons, and a port, which may be missing. */
const place = /^(\[[^\]]*\]|[^:[\]]*)(?::(.*))?$/s;

/** Understood by us and meaningless to the driver. Agents write, so of the attributes only these make sense. */
const ours = ['target_session_attrs', 'load_balance_hosts'];
const writableAttributes = ['read-write', 'primary', 'any'];

interface Place {
  readonly host: string;
  readonly port: string;
}

/** One URL for each host, in their order. A URL with one host stays as it is, and so does what is no URL at all. */
export function urlsByHost(url: string): readonly string[] {
  const parts = form.exec(url);
  if (parts === null) return [url];
  const [, scheme = '', authority = '', path = '', query = '', fragment = ''] = parts;
  // `u:1,2/x@host`: the slash of a password that was not encoded, and no list.
  if (!authority.includes('@') && /^[^=]*@/.test(`${path}${query}`)) return [url];
  const parameters = query === '' ? [] : query.split('&');
  refuseOtherRoles(parameters);
  const user = authority.slice(0, authority.lastIndexOf('@') + 1);
  const hosts = valueOf(parameters, 'host') ?? authority.slice(user.length);
  const isList = hosts.includes(',');
  const kept = parameters.filter(
    (each) => ![...ours, ...(isList ? ['host', 'port'] : [])].includes(nameOf(each)),
  );
  const rest = `${path}${kept.length === 0 ? '' : `?${kept.join('&')}`}${fragment}`;
  if (!isList) return [kept.length === parameters.length ? url : `${scheme}${authority}${rest}`];
  return placesOf(
    hosts,
    valueOf(parameters, 'port'),
    valueOf(parameters, 'host') !== undefined,
    path.length > 1,
  ).map(({ host, port }) => `${scheme}${user}${host}:${port}${rest}`);
}

/** `host:port` of a URL with one host, as messages name it; a socket is named by its directory. */
export function nameOfHost(url: string): string {
  if (!URL.canParse(url)) return 'the server';
  const { hostname, port, searchParams } = new URL(url);
  const host = searchParams.get('host') ?? decodeURIComponent(hostname);
  if (host.startsWith('/')) return host;
  return `${host}:${searchParams.get('port') ?? (port === '' ? '5432' : port)}`;
}

function placesOf(
  hosts: string,
  ports: string | undefined,
  isParameter: boolean,
  hasDatabase: boolean,
): readonly Place[] {
  const names = hosts.split(',');
  if (names.length > hostsMax) {
    throw new HostListProblem(`names ${names.length} hosts; at most ${hostsMax} are tried`);
  }
  const given = ports?.split(',');
  if (given !== undefined && given.length !== 1 && given.length !== names.length) {
    throw new HostListProblem(
      `lists ${given.length} ports for ${names.length} hosts; give one for each, or one for all`,
    );
  }
  const places = names.map((name, index) => {
    const which = `host ${index + 1} of ${names.length}`;
    // As a parameter an IPv6 address stands without brackets, since its ports stand elsewhere.
    const [, host = '', own = ''] = (isParameter ? [name, bracketed(name)] : place.exec(name)) ?? [];
    const port = (given === undefined ? own : given[given.length === 1 ? 0 : index]) || '5432';
    if (name.trim() === '') throw new HostListProblem(`has an empty place in its list: ${which}`);
    if (/^(\/|%2f)/i.test(name)) {
      throw new HostListProblem(`has a Unix socket in its list (${which}); a socket stands alone`);
    }
    if (host === '') {
      throw new HostListProblem(
        `has no valid ${which}; write it as HOST:PORT, an IPv6 address in brackets as [::1]:5432`,
      );
    }
    if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535) {
      throw new HostListProblem(`has no valid port (1 to 65535) for ${which}`);
    }
    return { host, port };
  });
  const twice = places.findIndex(({ host, port }, index) =>
    places.slice(0, index).some((other) => other.host === host && other.port === port),
  );
  if (twice !== -1) throw new HostListProblem(`names host ${twice + 1} of ${places.length} twice`);
  if (!hasDatabase) throw new HostListProblem('names no database behind its hosts');
  return places;
}

function bracketed(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}

function refuseOtherRoles(parameters: readonly string[]): void {
  const asked = valueOf(parameters, 'target_session_attrs');
  if (asked === undefined || writableAttributes.includes(asked)) return;
  throw new HostListProblem(
    'has target_session_attrs for servers that only read; agents write: leave it out, or say read-write',
  );
}

function nameOf(parameter: string): string {
  return decoded(parameter.split('=', 1)[0] ?? '');
}

function valueOf(parameters: readonly string[], name: string): string | undefined {
  const [found, second] = parameters.filter((each) => nameOf(each) === name);
  // libpq takes the last one, the driver too: whoever wrote two meant both.
  if (second !== undefined) {
    throw new HostListProblem(`gives the parameter ${name} twice; several go into one: ${name}=A,B`);
  }
  return found === undefined ? undefined : decoded(found.slice(found.indexOf('=') + 1));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}
