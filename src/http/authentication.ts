// Bearer tokens: one for everything, one for reading. Compared by their hashes in constant time, so that neither a token's
// length nor its beginning can be found out by measuring.
import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { Instruments } from '../metrics/instruments.ts';
import type { AuthenticationFailure } from '../metrics/table/doors.ts';
import type { Clock } from '../platform/clock.ts';
import type { HttpLog } from './dependencies.ts';
import { doorOf } from './door.ts';
import { FailedAttempts } from './failed-attempts.ts';
import { mayChange } from './guards.ts';
import type { HttpApp } from './http-app.ts';
import { HttpRefusal } from './problem.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Answers without a token: health, metrics, the page and what describes the API. For routes that only read. */
    readonly open?: boolean;
  }
}

export interface Tokens {
  /** For everything. Undefined: no token is asked for. */
  readonly full?: string | undefined;
  /** For reading alone; only beside `full`. */
  readonly read?: string | undefined;
}

export type Access = 'full' | 'read' | 'none';

interface Deps {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly log: Pick<HttpLog, 'info'>;
}

export class Authentication {
  readonly #log: Deps['log'];
  readonly #failed: FailedAttempts;
  #full: Buffer | undefined;
  #read: Buffer | undefined;

  constructor({ clock, log }: Deps, tokens: Tokens) {
    this.#log = log;
    this.#failed = new FailedAttempts(clock);
    this.setTokens(tokens);
  }

  /** From the next request on; what is being answered goes on. */
  setTokens({ full, read }: Tokens): void {
    if (read !== undefined && full === undefined) {
      throw new TypeError('a token for reading without one for changes would leave changes open');
    }
    this.#full = hashOf(full);
    this.#read = hashOf(read);
  }

  accessOf(authorization: string | undefined): Access {
    if (this.#full === undefined) return 'full';
    const given = hashOf(/^bearer +(\S+) *$/i.exec(authorization ?? '')?.[1] ?? '');
    // Both are compared whatever the first says.
    const isFull = isSame(given, this.#full);
    const mayRead = isSame(given, this.#read);
    if (isFull) return 'full';
    return mayRead ? 'read' : 'none';
  }

  /** What a request without a valid token is told: the same whether it has none, a wrong one or one that was valid once. */
  refusal(address: string): HttpRefusal {
    const attempt = this.#failed.add(address);
    if (attempt.outcome === 'counted') {
      return new HttpRefusal('unauthorized', 'a valid token is needed here, as Authorization: Bearer TOKEN', {
        'www-authenticate': 'Bearer',
      });
    }
    const { retryAfterMs, isFirst } = attempt;
    if (isFirst) this.#log.info({ address, retryAfterMs }, 'too many requests without a valid token');
    return new HttpRefusal(
      'rate_limited',
      'too many requests without a valid token came from this address',
      { 'retry-after': String(Math.ceil(retryAfterMs / 1_000)) },
      { retryAfterMs },
    );
  }
}

/** Decides from the header alone, before a body is read and before anybody learns which paths there are. */
export function demandTokens(
  app: HttpApp,
  authentication: Authentication,
  { authenticationFailures }: Pick<Instruments, 'authenticationFailures'>,
): void {
  const failure = (refusal: HttpRefusal, reason: AuthenticationFailure): HttpRefusal => {
    authenticationFailures.inc({ reason });
    return refusal;
  };
  app.addHook('onRequest', async (request) => {
    if (request.routeOptions.config.open === true) return;
    const access = authentication.accessOf(request.headers.authorization);
    if (access === 'none') {
      const refusal = authentication.refusal(addressOf(request));
      throw failure(refusal, refusal.code === 'rate_limited' ? 'rate_limited' : 'unauthorized');
    }
    if (access === 'read' && mayChange(request)) {
      throw failure(new HttpRefusal('forbidden', 'this token is for reading alone'), 'forbidden');
    }
  });
}

/** Peers on a Unix socket have no address: they count as one. */
function addressOf(request: FastifyRequest): string {
  return doorOf(request) === 'socket' ? 'socket' : (request.socket.remoteAddress ?? 'unknown');
}

function hashOf(token: string): Buffer;
function hashOf(token: string | undefined): Buffer | undefined;
function hashOf(token: string | undefined): Buffer | undefined {
  return token === undefined ? undefined : createHash('sha256').update(token).digest();
}

function isSame(given: Buffer, token: Buffer | undefined): boolean {
  return token !== undefined && timingSafeEqual(given, token);
}
