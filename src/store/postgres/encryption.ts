// TLS to PostgreSQL, by libpq's words (`sslmode`) and with libpq's meaning: the driver's own reading of them differs, and changes
// from one of its versions to the next.
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type pg from 'pg';
import { StoreMisconfigured } from '../../domain/refusal.ts';

/** How a server is reached: the URL without what has been understood here, and TLS as the driver wants it. */
export type Reached = Pick<pg.ClientConfig, 'connectionString' | 'ssl'>;

type Mode = 'disable' | 'require' | 'verify-ca' | 'verify-full' | 'no-verify';

const modes: readonly Mode[] = ['disable', 'require', 'verify-ca', 'verify-full', 'no-verify'];

/** What the URL says about TLS. `sslnegotiation` stays in it: the driver does that. */
const understood = ['sslmode', 'ssl', 'sslrootcert', 'sslcert', 'sslkey', 'uselibpqcompat'];

/**
 * `caFile` (DATABASE_CA_FILE) wins over the URL's `sslrootcert`, and asks for verify-full when the URL names no mode. Reads the
 * files; fails with StoreMisconfigured, or with the system's error when one cannot be opened.
 */
export function reach(url: string, caFile: string | undefined): Reached {
  if (!URL.canParse(url)) return { connectionString: url };
  const parsed = new URL(url);
  const query = parsed.searchParams;
  const asked = Object.fromEntries(understood.map((name) => [name, query.get(name) ?? undefined]));
  for (const name of understood) query.delete(name);
  const rootCert = caFile ?? (asked['sslrootcert'] === 'system' ? undefined : asked['sslrootcert']);
  const wantsTls = [caFile, asked['sslrootcert'], asked['sslcert'], asked['sslkey']].some(Boolean);
  const mode = modeOf(asked) ?? (wantsTls ? 'verify-full' : undefined);
  const connectionString = parsed.href;
  if (mode === undefined) return { connectionString };
  // As with libpq: what goes through a Unix socket never leaves the machine.
  if (mode === 'disable' || isSocket(parsed)) {
    if (caFile !== undefined && mode === 'disable') throw contradiction();
    return { connectionString, ssl: false };
  }
  const ca = rootCert === undefined ? undefined : readAuthorities(rootCert);
  return {
    connectionString,
    ssl: {
      ...(ca !== undefined && { ca }),
      ...(asked['sslcert'] !== undefined && { cert: readFileSync(asked['sslcert'], 'utf8') }),
      ...(asked['sslkey'] !== undefined && { key: readFileSync(asked['sslkey'], 'utf8') }),
      ...verification(mode, ca !== undefined),
    },
  };
}

function modeOf(asked: Readonly<Record<string, string | undefined>>): Mode | undefined {
  const { sslmode, ssl } = asked;
  if (sslmode === undefined) {
    if (ssl === undefined) return undefined;
    if (['0', 'false', 'disable'].includes(ssl)) return 'disable';
    return ssl === 'no-verify' ? ssl : 'verify-full';
  }
  const known = modes.find((mode) => mode === sslmode);
  if (known !== undefined) return known;
  throw new StoreMisconfigured(
    sslmode === 'prefer' || sslmode === 'allow'
      ? `sslmode=${sslmode} in DATABASE_URL would speak in the clear, unnoticed, whenever TLS fails; say verify-full, verify-ca, require or disable`
      : `sslmode in DATABASE_URL must be one of ${modes.slice(0, 4).join(', ')}`,
  );
}

/** libpq: `require` with authorities checks the chain, without them nothing; only `verify-full` looks at the name as well. */
function verification(mode: Exclude<Mode, 'disable'>, hasAuthorities: boolean): object {
  const isUnverified = mode === 'no-verify' || (mode === 'require' && !hasAuthorities);
  if (isUnverified) return { rejectUnauthorized: false };
  return mode === 'verify-full' ? {} : { checkServerIdentity: () => undefined };
}

/** Checked here: the TLS library passes over what it cannot read, and then trusts nobody. */
function readAuthorities(file: string): string {
  const ca = readFileSync(file, 'utf8');
  try {
    void new X509Certificate(ca);
    return ca;
  } catch (error) {
    throw new StoreMisconfigured(
      `DATABASE_CA_FILE (or sslrootcert) "${file}" holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)`,
      { cause: error },
    );
  }
}

function contradiction(): StoreMisconfigured {
  return new StoreMisconfigured(
    'DATABASE_CA_FILE is set, but sslmode=disable in DATABASE_URL speaks in the clear; leave one of them out',
  );
}

function isSocket(url: URL): boolean {
  const host = url.searchParams.get('host') ?? decodeURIComponent(url.hostname);
  return host.startsWith('/');
}
