// What PostgreSQL's and the socket's errors mean to the layers above. SQLSTATEs: PostgreSQL manual, appendix A.
import { Refusal, StoreMisconfigured, StoreUnavailable } from '../../domain/refusal.ts';
import { ConstraintViolation, LockedByAnother } from '../sql/database.ts';

/** The server answers and takes no writes: a standby, or one that was made read-only. What was asked took no effect. */
export class NotWritable extends StoreUnavailable {
  constructor(message: string, cause?: unknown) {
    super(message, { outcomeUnknown: false, cause });
  }
}

/** All connections that we may have are at work: the server was not even asked. */
export class PoolBusy extends StoreUnavailable {}

/** PgBouncer knows few of the parameters with which a client may begin, and turns the others away. */
export class RefusedByPooler extends StoreMisconfigured {
  readonly seen: string;
  readonly todo: string;

  constructor(said: string, cause: unknown) {
    const seen = `the pooler refuses what agents ask for when they connect (${said})`;
    const todo =
      'PgBouncer: ignore_startup_parameters = options, and statement_timeout with ALTER ROLE instead';
    super(`${seen}; ${todo}`, { cause });
    this.seen = seen;
    this.todo = todo;
  }
}

/** Deadlock or serialization failure: the transaction did nothing and may run again at once. */
export function mayRunAgain(error: unknown): boolean {
  const code = sqlState(error);
  return code === '40001' || code === '40P01';
}

/** The statement was refused by the server, so it took no effect; anything else leaves the outcome open. */
function tookNoEffect(code: string | undefined): boolean {
  return code !== undefined && !code.startsWith('08') && !code.startsWith('57P');
}

export function translateError(error: unknown): Error {
  if (
    error instanceof Refusal ||
    error instanceof StoreUnavailable ||
    error instanceof StoreMisconfigured ||
    error instanceof ConstraintViolation
  ) {
    return error;
  }
  const code = sqlState(error);
  const said = error instanceof Error ? error.message : String(error);
  if (error instanceof Error && 'syscall' in error && error.syscall === 'open') {
    return new StoreMisconfigured(`a certificate that DATABASE_URL names cannot be read: ${said}`, {
      cause: error,
    });
  }
  const encryption = encryptionProblem(error, said);
  if (encryption !== undefined) return new StoreMisconfigured(encryption, { cause: error });
  if (said.includes('unsupported startup parameter')) return new RefusedByPooler(said, error);
  switch (code) {
    case '23505':
      return new ConstraintViolation('unique', { cause: error });
    case '23503':
      return new ConstraintViolation('foreign_key', { cause: error });
    case '23514':
      return new ConstraintViolation('check', { cause: error });
    case '25006':
      return new NotWritable(`PostgreSQL takes no writes: ${said}`, error);
    case '28P01':
    case '28000':
      return new StoreMisconfigured(
        said.endsWith('no encryption') || said.endsWith('SSL off')
          ? `PostgreSQL refuses this user without TLS (${said}); add sslmode=verify-full to DATABASE_URL`
          : `PostgreSQL refuses the credentials of DATABASE_URL: ${said}`,
        { cause: error },
      );
    case '3D000':
      return new StoreMisconfigured(`${said}; create it, or name another in DATABASE_URL`, { cause: error });
    case '42501':
      return new StoreMisconfigured(
        `${said}; the database's owner can mend it: GRANT CREATE ON DATABASE … TO the user of DATABASE_URL, or, where the schema exists, GRANT ALL ON SCHEMA … and ALL TABLES IN SCHEMA … to it`,
        { cause: error },
      );
    case '42P01':
    case '42703':
    case '3F000':
      return new StoreMisconfigured(
        `the store's schema is not complete (${said}); run: streamhouse db migrate`,
        {
          cause: error,
        },
      );
    case '55P03':
      return new LockedByAnother(`PostgreSQL does not answer as it should: ${said}`, {
        outcomeUnknown: false,
        cause: error,
      });
    case undefined:
    default:
      if (code?.startsWith('22')) return new Refusal('invalid', `the store cannot keep this value: ${said}`);
      return new StoreUnavailable(`PostgreSQL does not answer as it should: ${said}`, {
        outcomeUnknown: !tookNoEffect(code),
        cause: error,
      });
  }
}

/** Codes of OpenSSL's verification as Node gives them. */
const distrust =
  /^(CERT_|CRL_|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_)/;

/** What is wrong with the TLS of the connection, when that is the reason; a person must act, trying again will not help. */
function encryptionProblem(error: unknown, said: string): string | undefined {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return `the certificate of PostgreSQL is for another host than DATABASE_URL names (${said}); name the host as the certificate does, or check its authority alone with sslmode=verify-ca`;
  }
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    return `the certificate of PostgreSQL is not valid now (${code}); renew it there, or set the clock right`;
  }
  if (distrust.test(code)) {
    return `the certificate of PostgreSQL is not trusted (${code}: ${said}); name the file of the authority that issued it in DATABASE_CA_FILE`;
  }
  if (said === 'The server does not support SSL connections') {
    return 'PostgreSQL offers no TLS, which sslmode or DATABASE_CA_FILE asks for; turn ssl on there, or say sslmode=disable if the network is trusted';
  }
  return undefined;
}

function sqlState(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  const { code } = error;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && !code.startsWith('E') ? code : undefined;
}
