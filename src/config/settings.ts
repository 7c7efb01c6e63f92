// The settings of an agent, in one table: name, default, parser, meaning. Flags, environment, file keys, `--help` and
// `--print-config` all come from here.
import { hostname } from 'node:os';
import {
  boolean,
  commaList,
  databaseUrl,
  host,
  httpUrl,
  integer,
  jsonObject,
  nonEmpty,
  oneOf,
  type Parse,
  port,
  portOrOff,
  readableFile,
  resourceName,
  socketPath,
  token,
  withoutPassword,
} from './parse.ts';

export interface Setting<T> {
  readonly parse: Parse<T>;
  /** As text; undefined: derived, or none. */
  readonly fallback: string | undefined;
  readonly meaning: string;
  /** How `--print-config` shows a value that holds a secret. */
  readonly mask?: (text: string) => string;
}

function setting<T>(
  parse: Parse<T>,
  fallback: string | undefined,
  meaning: string,
  mask?: (text: string) => string,
): Setting<T> {
  return { parse, fallback, meaning, ...(mask && { mask }) };
}

const day = 86_400_000;

export const settings = {
  DATABASE_URL: setting(
    databaseUrl,
    'sqlite:./data/metadata.db',
    'the store: sqlite:FILE or postgres://…; of several hosts (h1,h2) the primary',
    withoutPassword,
  ),
  DIRECT_DATABASE_URL: setting(
    databaseUrl,
    undefined,
    'direct connection when DATABASE_URL goes through a pooler',
    withoutPassword,
  ),
  DATABASE_SCHEMA: setting(
    postgresSchema,
    'streamhouse',
    'PostgreSQL schema; several clusters may share a database',
  ),
  DATABASE_CA_FILE: setting(
    readableFile,
    undefined,
    'certificate authorities of the server, with sslmode in the URL',
  ),
  DATABASE_POOL_MAX: setting(
    integer(1, 1_000),
    '4',
    'ordinary connections at most, beside the two direct ones',
  ),
  STATEMENT_TIMEOUT_MS: setting(
    integer(1, 300_000),
    undefined,
    'bound of one attempt at the store; default 0.6 of the heartbeat interval',
  ),
  TRUST_MARGIN_MS: setting(
    integer(1, 300_000),
    undefined,
    'how long before the TTL ends the agent stops trusting itself; default TTL / 5',
  ),
  AGENT_ID: setting(resourceName, hostname(), 'stable name of this agent; default: the host name'),
  AGENT_ADDRESS: setting(
    nonEmpty,
    '127.0.0.1:9092',
    "the broker's address, told to clients that look up a leader",
  ),
  AGENT_ZONE: setting(resourceName, 'default', 'zone of this agent'),
  AGENT_GROUP: setting(resourceName, 'default', 'scope of agents, coordinator and topics'),
  AGENT_WEIGHT: setting(integer(1, 1_000), '1', 'share of the load'),
  AGENT_METADATA: setting(jsonObject, '{}', 'JSON object shown with the agent'),
  MANAGED_TOPICS: setting(
    commaList,
    '',
    'topics this agent is willing to lead, comma list with globs; default: all',
  ),
  SESSION_TTL_MS: setting(integer(1_000, 300_000), '10000', 'how long a session lives without a heartbeat'),
  // Far below 10 ms the attempt derived from it would round to 0, which PostgreSQL reads as no limit.
  HEARTBEAT_INTERVAL_MS: setting(integer(10, 100_000), undefined, 'default TTL / 4, at most TTL / 3'),
  AGENT_RETENTION_MS: setting(
    integer(0, 3_650 * day),
    String(7 * day),
    'how long dead agents and ended terms stay listed',
  ),
  HTTP_HOST: setting(host, '127.0.0.1', 'address to listen on'),
  HTTP_PORT: setting(portOrOff, '7070', 'port to listen on; 0 picks one and logs it, off: HTTP_SOCKET alone'),
  HTTP_SOCKET: setting(
    socketPath,
    undefined,
    'Unix socket to listen on, beside the port or (HTTP_PORT=off) instead of it',
  ),
  HTTP_ALLOWED_HOSTS: setting(commaList, '', 'accepted Host headers beside loopback names and HTTP_HOST'),
  API_TOKEN: setting(
    token,
    undefined,
    'bearer token for everything; a flag shows it to other users: API_TOKEN_FILE',
    masked,
  ),
  API_READ_TOKEN: setting(token, undefined, 'bearer token for reading; needs API_TOKEN', masked),
  TLS_CERT_FILE: setting(
    readableFile,
    undefined,
    'certificate (PEM, with its chain) of HTTP_PORT, which then speaks TLS',
  ),
  TLS_KEY_FILE: setting(readableFile, undefined, 'private key (PEM) of TLS_CERT_FILE'),
  METRICS_HOST: setting(host, '0.0.0.0', 'address of METRICS_PORT'),
  METRICS_PORT: setting(port, undefined, 'another port with metrics and health alone, without token and TLS'),
  API_INSECURE: setting(boolean, 'false', 'allow listening beyond loopback without a token'),
  BROKER_HEALTH_URL: setting(
    httpUrl,
    undefined,
    'polled; when it fails three times in a row, the agent hands over until it answers again',
  ),
  BROKER_GRACE_MS: setting(
    integer(0, 600_000),
    '2000',
    'how long a broker that was attached to the event stream may take to come back',
  ),
  BROKER_REQUIRED: setting(boolean, 'false', 'lead nothing before a broker has attached to the event stream'),
  HANDOFF_TIMEOUT_MS: setting(
    integer(0, 600_000),
    '10000',
    'how long a broker has to acknowledge that it gave a partition up',
  ),
  REBALANCE_THRESHOLD_PERCENT: setting(
    integer(0, 100),
    '0',
    'nothing moves for balance while every agent is within so many percent of its share',
  ),
  REBALANCE_MOVES_MAX: setting(
    integer(1, 1_000_000),
    '500',
    'partitions on their way at a time for balance, preference or a drain; a takeover is never bound',
  ),
  RETURN_DELAY_MS: setting(
    integer(0, 3_600_000),
    '30000',
    'how long an agent that crashed twice in ten minutes waits for partitions',
  ),
  CRASH_DETECTION: setting(
    boolean,
    'on',
    'take over from agents whose connection to PostgreSQL died, before their TTL is over',
  ),
  SHUTDOWN_TIMEOUT_MS: setting(integer(0, 600_000), '25000', 'bound of the whole graceful stop'),
  AUTO_MIGRATE: setting(boolean, 'true', 'apply pending migrations at start'),
  LOG_LEVEL: setting(
    oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
    'info',
    'log level',
  ),
  METRICS_PER_PARTITION: setting(
    boolean,
    'false',
    'show each lease of this agent in the metrics, at most 1,000 of them',
  ),
  LOG_FORMAT: setting(oneOf('json', 'pretty'), undefined, 'default: pretty on a terminal, else json'),
} satisfies Readonly<Record<string, Setting<unknown>>>;

export type SettingName = keyof typeof settings;

const isSettingName = (name: string): name is SettingName => Object.hasOwn(settings, name);

export const settingNames: readonly SettingName[] = Object.keys(settings).filter(isSettingName);

function masked(): string {
  return '***';
}

export function flagName(name: string): string {
  return `--${name.toLowerCase().replaceAll('_', '-')}`;
}

export function fileKey(name: string): string {
  return name.toLowerCase().replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function postgresSchema(text: string, name: string): string {
  const schema = resourceName(text, name);
  if (schema.length > 63) return resourceName('', `${name} (at most 63 characters)`);
  return schema;
}
