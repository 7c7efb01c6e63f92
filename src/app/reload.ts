// What SIGHUP changes in a running agent: tokens and certificate, at once and for what comes from now on. Everything else that has
// changed is named, so that nobody believes it took effect.
import { ConfigError } from '../config/config-error.ts';
import type { AgentConfig } from '../config/config.ts';
import { type SettingName, settingNames } from '../config/settings.ts';
import type { Authentication } from '../http/authentication.ts';
import type { HttpServer } from '../http/server.ts';

export interface Reloaded {
  /** Settings whose new value is in force. */
  readonly applied: readonly SettingName[];
  /** Settings that have changed and wait for a restart. */
  readonly pending: readonly SettingName[];
}

interface Doors {
  readonly authentication: Pick<Authentication, 'setTokens'>;
  readonly http: Pick<HttpServer, 'setCertificate'>;
}

/** Fails with ConfigError, nothing changed, when it would unlock a door. LOG_LEVEL counts as applied: the log is its owner's. */
export function reloadDoors(doors: Doors, before: AgentConfig, next: AgentConfig): Reloaded {
  refuseUnlocking(before, next);
  doors.authentication.setTokens({ full: next.settings.API_TOKEN, read: next.settings.API_READ_TOKEN });
  const canTakeCertificate = before.certificate !== undefined && next.certificate !== undefined;
  if (canTakeCertificate) doors.http.setCertificate(next.certificate);

  const reloadable = new Set<SettingName>(['LOG_LEVEL', 'API_TOKEN', 'API_READ_TOKEN']);
  if (canTakeCertificate) reloadable.add('TLS_CERT_FILE').add('TLS_KEY_FILE');
  const changed = settingNames.filter((name) => hasChanged(name, before, next));
  return {
    applied: changed.filter((name) => reloadable.has(name)),
    pending: changed.filter((name) => !reloadable.has(name)),
  };
}

/** A token that is gone is more likely a file that lost a line than a wish to let everybody in. */
function refuseUnlocking(before: AgentConfig, next: AgentConfig): void {
  if (before.settings.API_TOKEN === undefined || next.settings.API_TOKEN !== undefined) return;
  throw new ConfigError(
    'API_TOKEN is gone, and a reload does not unlock what was locked; restart to run without a token',
  );
}

/** Of a file, what it held counts: it usually keeps its name. */
function hasChanged(name: SettingName, before: AgentConfig, next: AgentConfig): boolean {
  const isSame = JSON.stringify(before.settings[name]) === JSON.stringify(next.settings[name]);
  if (name === 'TLS_CERT_FILE') return !isSame || before.certificate?.cert !== next.certificate?.cert;
  if (name === 'TLS_KEY_FILE') return !isSame || before.certificate?.key !== next.certificate?.key;
  return !isSame;
}
