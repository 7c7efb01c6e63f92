// The certificate and key that the API's port shows, read from files and checked as a pair: whoever starts or reloads an agent
// learns what is wrong with them at once, not from the first client that is turned away.
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { ConfigError } from './config-error.ts';
import { fileProblem, onOneLine, shown } from './parse.ts';

/** In PEM form. */
export interface ServerCertificate {
  readonly cert: string;
  readonly key: string;
}

export interface CheckedCertificate {
  readonly certificate: ServerCertificate;
  readonly warnings: readonly string[];
}

/** Fails with ConfigError when the files cannot be read, do not parse or do not belong together. */
export function readServerCertificate(certFile: string, keyFile: string): CheckedCertificate {
  const cert = read('TLS_CERT_FILE', certFile);
  const key = read('TLS_KEY_FILE', keyFile);
  const parsed = parseCertificate(cert, certFile);
  if (!parsed.checkPrivateKey(parseKey(key, keyFile))) {
    throw new ConfigError(
      `TLS_KEY_FILE="${shown(keyFile)}" is not the key of the certificate in TLS_CERT_FILE="${shown(certFile)}"; name the two that were made together`,
    );
  }
  refuseUnusable(cert, key, certFile);
  return { certificate: { cert, key }, warnings: expiry(parsed, certFile) };
}

function read(name: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError(`${name}="${shown(file)}" cannot be read: ${fileProblem(error)}`);
  }
}

/** The first of a chain is the server's own. */
function parseCertificate(cert: string, file: string): X509Certificate {
  try {
    return new X509Certificate(cert);
  } catch {
    throw new ConfigError(
      `TLS_CERT_FILE="${shown(file)}" holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)`,
    );
  }
}

function parseKey(key: string, file: string): KeyObject {
  try {
    return createPrivateKey(key);
  } catch {
    throw new ConfigError(
      /ENCRYPTED/.test(key)
        ? `TLS_KEY_FILE="${shown(file)}" is encrypted, and nobody is there to type its password; write it without one: openssl pkey -in FILE`
        : `TLS_KEY_FILE="${shown(file)}" holds no private key in PEM form (-----BEGIN PRIVATE KEY-----)`,
    );
  }
}

/** What the TLS library refuses beyond the form: a key that is too short, a broken chain. */
function refuseUnusable(cert: string, key: string, certFile: string): void {
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    const said = error instanceof Error ? onOneLine(error.message) : '';
    throw new ConfigError(`TLS_CERT_FILE="${shown(certFile)}" cannot be used for TLS: ${said}`);
  }
}

/** Not an error: an agent that stays down helps nobody, and a clock may be wrong. Clients will say the rest. */
function expiry(certificate: X509Certificate, file: string): readonly string[] {
  const from = Date.parse(certificate.validFrom);
  const to = Date.parse(certificate.validTo);
  const now = Date.now();
  if (now > to) return [`the certificate in TLS_CERT_FILE="${shown(file)}" ended at ${certificate.validTo}`];
  if (now < from)
    return [`the certificate in TLS_CERT_FILE="${shown(file)}" begins only at ${certificate.validFrom}`];
  return [];
}
