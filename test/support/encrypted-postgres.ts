// A PostgreSQL server of its own that speaks TLS, with a certificate of the test's.

import { CertificateFiles, type Issued } from './certificates.ts';
import { type PostgresServer, startPostgresServer } from './postgres-server.ts';
import { giveToServer } from './unprivileged-user.ts';

/** The server reads the files once, when it starts. */
export async function startEncryptedPostgres(certificate: Issued): Promise<PostgresServer> {
  using files = new CertificateFiles();
  const cert = files.write('server.pem', certificate.cert);
  const key = files.write('server.key', certificate.key);
  giveToServer(files.directory);
  const settings = { fsync: 'off', ssl: 'on', ssl_cert_file: cert, ssl_key_file: key };
  const server = await startPostgresServer({ major: 16, settings });
  return server;
}
