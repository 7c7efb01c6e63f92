// The configuration of an agent: read, parsed, checked as a whole.
import type { TimeBudget } from '../domain/session.ts';
import { deriveTimeBudget } from '../domain/time-budget.ts';
import { ConfigError } from './config-error.ts';
import { checkDoors } from './doors.ts';
import { onOneLine, withoutPasswords } from './parse.ts';
import { fileKey, flagName, type SettingName, settingNames, settings } from './settings.ts';
import { type Raw, type RawSettings, readArguments, readSettings } from './sources.ts';
import type { ServerCertificate } from './server-certificate.ts';
import { rawValues, type SettingValues } from './values.ts';

type Value<N extends SettingName> = ReturnType<(typeof settings)[N]['parse']>;
type Optional =
  | 'DIRECT_DATABASE_URL'
  | 'DATABASE_CA_FILE'
  | 'STATEMENT_TIMEOUT_MS'
  | 'TRUST_MARGIN_MS'
  | 'HEARTBEAT_INTERVAL_MS'
  | 'BROKER_HEALTH_URL'
  | 'HTTP_SOCKET'
  | 'API_TOKEN'
  | 'API_READ_TOKEN'
  | 'TLS_CERT_FILE'
  | 'TLS_KEY_FILE'
  | 'METRICS_PORT'
  | 'LOG_FORMAT';

export type Settings = { readonly [N in Exclude<SettingName, Optional>]: Value<N> } & {
  readonly [N in Optional]: Value<N> | undefined;
};

export interface AgentConfig {
  readonly settings: Settings;
  readonly budget: TimeBudget;
  /** What TLS_CERT_FILE and TLS_KEY_FILE held; undefined: no TLS. */
  readonly certificate: ServerCertificate | undefined;
  readonly warnings: readonly string[];
}

export type Loaded =
  | { readonly outcome: 'config'; readonly config: AgentConfig }
  /** Something to print instead of running. */
  | { readonly outcome: 'print'; readonly text: string };

/** Reads the agent's configuration. Fails with ConfigError. */
export function loadConfig(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Loaded {
  const read = readArguments(args);
  if (read.help) return { outcome: 'print', text: helpText() };
  const { raw, warnings } = readSettings(read, env);
  const config = checkAll(raw, warnings);
  if (read.printConfig) return { outcome: 'print', text: printed(raw, config) };
  return { outcome: 'config', config };
}

/** The configuration of an agent that is started by a program, from values alone. Fails with ConfigError. */
export function configFromValues(values: SettingValues): AgentConfig {
  return checkAll(rawValues(values), []);
}

function checkAll(raw: RawSettings, warnings: readonly string[]): AgentConfig {
  const parsed = parseAll(raw);
  const budget = checkBudget(parsed);
  checkStores(parsed);
  const doors = checkDoors(parsed);
  return {
    settings: parsed,
    budget,
    certificate: doors.certificate,
    warnings: [...warnings, ...doors.warnings],
  };
}

function parseAll(raw: RawSettings): Settings {
  const values = settingNames.map((name) => {
    const given = raw.get(name);
    return [name, given === undefined ? undefined : settings[name].parse(given.text, label(name, given))];
  });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the table's own parsers made every value
  return Object.fromEntries(values) as Settings;
}

/** The name under which the user gave it, so that the message points at the right place. */
function label(name: SettingName, { source }: Raw): string {
  if (source.startsWith('--')) return source;
  if (source.startsWith('value ')) return fileKey(name);
  if (source.startsWith('file ')) return `${name} (${fileKey(name)} in ${source})`;
  const variable = source.replace(/^environment /, '');
  if (variable.endsWith(`${name}_FILE`)) return `${name} (read from ${variable})`;
  return variable.endsWith(name) ? variable : name;
}

function checkBudget(values: Settings): TimeBudget {
  const answer = deriveTimeBudget({
    ttlMs: values.SESSION_TTL_MS,
    heartbeatIntervalMs: values.HEARTBEAT_INTERVAL_MS,
    trustMarginMs: values.TRUST_MARGIN_MS,
    attemptMs: values.STATEMENT_TIMEOUT_MS,
  });
  if (answer.outcome === 'broken') throw new ConfigError(answer.problem);
  return answer.budget;
}

function checkStores({ DATABASE_URL: store, DIRECT_DATABASE_URL: direct }: Settings): void {
  if (direct === undefined || (isPostgres(store) && isPostgres(direct))) return;
  throw new ConfigError(
    'DIRECT_DATABASE_URL is the way around a pooler: it and DATABASE_URL must both begin with postgres://, or it stays unset',
  );
}

function isPostgres(url: string): boolean {
  return !url.startsWith('sqlite:');
}

function printed(raw: RawSettings, { budget, warnings }: Pick<AgentConfig, 'budget' | 'warnings'>): string {
  const derived: Readonly<Record<string, number>> = {
    STATEMENT_TIMEOUT_MS: budget.attemptMs,
    TRUST_MARGIN_MS: budget.trustMarginMs,
    HEARTBEAT_INTERVAL_MS: budget.heartbeatIntervalMs,
  };
  const lines = settingNames.map((name) => {
    const given = raw.get(name);
    const { mask } = settings[name] as { mask?: (text: string) => string };
    if (given === undefined)
      return `${name}=${derived[name] ?? ''}  # ${name in derived ? 'derived' : 'not set'}`;
    return `${name}=${onOneLine((mask ?? withoutPasswords)(given.text))}  # ${given.source}`;
  });
  return `${[...lines, ...warnings.map((warning) => `# ${warning}`)].join('\n')}\n`;
}

function helpText(): string {
  const rows = settingNames.map((name) => {
    const { fallback, meaning } = settings[name];
    return `  ${flagName(name).padEnd(26)} ${meaning}${fallback === undefined || fallback === '' ? '' : ` (${fallback})`}`;
  });
  return [
    'Usage: streamhouse agent [--name value …]',
    '',
    'Runs the agent until SIGTERM or SIGINT. Each setting is also an environment variable (--http-port is HTTP_PORT, or',
    'STREAMHOUSE_HTTP_PORT, which wins; NAME_FILE reads it from a file) and a key of --config FILE (httpPort).',
    '',
    ...rows,
    '  --config                   JSON or YAML file of settings',
    '  --print-config             show the settings with their sources, secrets masked, and exit',
    '',
    'Example: streamhouse agent --database-url postgres://streamhouse@db/streamhouse_metadata --agent-id broker-1',
    '',
  ].join('\n');
}
