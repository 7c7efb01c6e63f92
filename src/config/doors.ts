// Through which doors others come in, and what locks them: settings that only make sense together.
import { ConfigError } from './config-error.ts';
import { shown } from './parse.ts';
import { readServerCertificate, type ServerCertificate } from './server-certificate.ts';

interface DoorSettings {
  readonly HTTP_HOST: string;
  readonly HTTP_PORT: number | 'off';
  readonly HTTP_SOCKET: string | undefined;
  readonly METRICS_PORT: number | undefined;
  readonly API_TOKEN: string | undefined;
  readonly API_READ_TOKEN: string | undefined;
  readonly API_INSECURE: boolean;
  readonly TLS_CERT_FILE: string | undefined;
  readonly TLS_KEY_FILE: string | undefined;
}

interface Doors {
  readonly certificate: ServerCertificate | undefined;
  readonly warnings: readonly string[];
}

/** Fails with ConfigError when a door would stand open by accident, or could not be opened at all. */
export function checkDoors(values: DoorSettings): Doors {
  checkListeners(values);
  checkTokens(values);
  const { certificate, warnings } = certificateOf(values);
  return { certificate, warnings: [...warnings, ...checkBeyondLoopback(values)] };
}

function checkListeners({ HTTP_PORT: port, HTTP_SOCKET: socket, METRICS_PORT: metrics }: DoorSettings): void {
  if (port === 'off' && socket === undefined) {
    throw new ConfigError('HTTP_PORT=off leaves no way to reach this agent; set HTTP_SOCKET beside it');
  }
  if (metrics !== undefined && metrics !== 0 && metrics === port) {
    throw new ConfigError(
      `METRICS_PORT=${metrics} is HTTP_PORT too; choose another, or leave it out: HTTP_PORT has the metrics as well`,
    );
  }
}

function checkTokens({ API_TOKEN: full, API_READ_TOKEN: reading }: DoorSettings): void {
  if (reading === undefined) return;
  if (full === undefined) {
    throw new ConfigError(
      'API_READ_TOKEN is set without API_TOKEN: reading would be locked and changes open; set API_TOKEN too',
    );
  }
  if (full === reading) {
    throw new ConfigError(
      'API_TOKEN and API_READ_TOKEN are the same, so whoever may read could change everything; make another one',
    );
  }
}

function certificateOf({ TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile }: DoorSettings): Doors {
  if (certFile === undefined && keyFile === undefined) return { certificate: undefined, warnings: [] };
  if (certFile === undefined || keyFile === undefined) {
    const [given, missing] =
      keyFile === undefined ? ['TLS_CERT_FILE', 'TLS_KEY_FILE'] : ['TLS_KEY_FILE', 'TLS_CERT_FILE'];
    throw new ConfigError(`${given} is set without ${missing}; TLS needs both, or leave both out`);
  }
  return readServerCertificate(certFile, keyFile);
}

function checkBeyondLoopback(values: DoorSettings): readonly string[] {
  const { HTTP_HOST: host } = values;
  if (values.HTTP_PORT === 'off' || /^(localhost|127(\.\d+){3}|::1)$/i.test(host)) return [];
  if (values.API_TOKEN === undefined && !values.API_INSECURE) {
    throw new ConfigError(
      `HTTP_HOST="${shown(host)}" lies beyond loopback, where anyone could drain this agent; set API_TOKEN_FILE, keep to 127.0.0.1, or set API_INSECURE=true if the network is trusted`,
    );
  }
  if (values.API_TOKEN === undefined || values.TLS_CERT_FILE !== undefined) return [];
  return [
    `HTTP_HOST="${shown(host)}" lies beyond loopback and speaks no TLS: the token can be read on its way; set TLS_CERT_FILE and TLS_KEY_FILE, or let a proxy on this host speak TLS`,
  ];
}
