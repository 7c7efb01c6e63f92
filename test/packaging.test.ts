// What is shipped beside the program, held against the program: every name in it must mean something here. No Docker
// engine is needed; that the images build and run is not claimed.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { loadConfig } from '../src/config/config.ts';
import { settingNames, settings } from '../src/config/settings.ts';

const project = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string): string => readFileSync(join(project, path), 'utf8');
const readYaml = (path: string): unknown => parse(read(path), { merge: true });

/** The settings an agent makes of `env`; fails when it would not start, or would warn. */
function configured(env: Readonly<Record<string, string>>) {
  const loaded = loadConfig([], env);
  if (loaded.outcome !== 'config') throw new Error('printed instead of loading');
  expect(loaded.config.warnings).toEqual([]);
  return loaded.config.settings;
}

// As much of the Compose Specification as the file uses, and nothing beside it: its schema too refuses what it does not know.
const duration = z.string().regex(/^\d+(?:ms|s|m)$/);
const serviceForm = z.strictObject({
  image: z.string(),
  build: z.string().optional(),
  entrypoint: z.array(z.string()).optional(),
  command: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.string()).default({}),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  depends_on: z
    .union([
      z.array(z.string()),
      z.record(z.string(), z.strictObject({ condition: z.enum(['service_started', 'service_healthy']) })),
    ])
    .default([]),
  profiles: z.array(z.string()).default([]),
  restart: z.enum(['no', 'always', 'on-failure', 'unless-stopped']).optional(),
  stop_grace_period: duration.optional(),
  cap_drop: z.array(z.string()).optional(),
  security_opt: z.array(z.string()).optional(),
  healthcheck: z
    .union([
      z.strictObject({ disable: z.literal(true) }),
      z.strictObject({
        test: z.array(z.string()),
        interval: duration,
        timeout: duration,
        retries: z.number().int(),
      }),
    ])
    .optional(),
});
const composeForm = z.strictObject({
  name: z.string(),
  services: z.record(z.string(), serviceForm),
  volumes: z.record(z.string(), z.null()),
});
const compose = composeForm.parse(withoutExtensions(readYaml('docker-compose.yml')));
const services = Object.entries(compose.services);
const agents = services.filter(([name]) => name.startsWith('agent-'));
const brokers = services.filter(([name]) => name.startsWith('broker-'));
const datasources = z
  .object({ datasources: z.array(z.looseObject({ type: z.string(), url: z.string() })) })
  .parse(readYaml('grafana/provisioning/datasources/prometheus.yml')).datasources;

/** Keys that begin with x- are for anchors; Compose reads past them. */
function withoutExtensions(file: unknown): unknown {
  const entries = Object.entries(z.record(z.string(), z.unknown()).parse(file));
  return Object.fromEntries(entries.filter(([key]) => !key.startsWith('x-')));
}

function service(name: string): z.infer<typeof serviceForm> {
  return serviceForm.parse(compose.services[name]);
}

describe('docker-compose.yml', () => {
  test('starts PostgreSQL 16, three agents, Prometheus and Grafana; pgAdmin and brokers when asked', () => {
    const names = (isOptional: boolean) =>
      services.filter(([, { profiles }]) => profiles.length > 0 === isOptional).map(([name]) => name);
    expect(names(false)).toEqual(['postgres', 'agent-1', 'agent-2', 'agent-3', 'prometheus', 'grafana']);
    expect(names(true)).toEqual(['broker-1', 'broker-2', 'broker-3', 'pgadmin']);
    expect(service('pgadmin').profiles).toEqual(['admin']);
    expect(service('postgres').image).toBe('postgres:16');
  });

  test('knows when PostgreSQL is ready, and keeps its data', () => {
    const { healthcheck, volumes } = service('postgres');
    expect(JSON.stringify(healthcheck)).toContain('pg_isready');
    expect(volumes).toEqual(['postgres-data:/var/lib/postgresql/data']);
  });

  test.each(agents)('%s waits for PostgreSQL to be healthy', (_, { depends_on: dependsOn }) => {
    expect(dependsOn).toEqual({ postgres: { condition: 'service_healthy' } });
  });

  test.each(agents)('%s starts with settings that it knows, on the database that is there', (name, agent) => {
    const known = configured(agent.environment);
    const url = new URL(known.DATABASE_URL);
    expect({
      host: url.hostname,
      user: url.username,
      password: url.password,
      database: url.pathname,
    }).toEqual({
      host: 'postgres',
      user: service('postgres').environment['POSTGRES_USER'],
      password: service('postgres').environment['POSTGRES_PASSWORD'],
      database: `/${service('postgres').environment['POSTGRES_DB']}`,
    });
    expect(known).toMatchObject({ AGENT_ID: name, HTTP_ALLOWED_HOSTS: [name], API_INSECURE: true });
  });

  test.each(agents)('%s is not killed while it hands over', (_, agent) => {
    const graceMs = Number(/^(\d+)s$/.exec(String(agent.stop_grace_period))?.[1]) * 1_000;
    expect(graceMs).toBeGreaterThan(configured(agent.environment).SHUTDOWN_TIMEOUT_MS);
  });

  test('has the agents in two zones', () => {
    const zones = agents.map(([, { environment }]) => configured(environment).AGENT_ZONE);
    expect(zones).toEqual(['zone-a', 'zone-b', 'zone-a']);
  });

  test.each(brokers)('%s reaches its agent, which tells producers of it', (name, broker) => {
    const command = broker.command ?? [];
    const [script = '', ...common] = broker.entrypoint?.slice(1) ?? [];
    expect(existsSync(join(project, script.replace('/app/', '')))).toBe(true);
    const { values } = parseArgs({
      args: [...common, ...command],
      options: {
        agent: { type: 'string' },
        address: { type: 'string' },
        host: { type: 'string' },
        data: { type: 'string' },
      },
    });
    const agentUrl = new URL(String(values.agent));
    const agent = configured(service(agentUrl.hostname).environment);
    expect(agent.HTTP_ALLOWED_HOSTS).toContain(agentUrl.hostname);
    expect(Number(agentUrl.port)).toBe(agent.HTTP_PORT);
    expect(values.address).toBe(agent.AGENT_ADDRESS);
    expect(agent.AGENT_ADDRESS).toBe(`${name}:9092`);
    expect(values.host).toBe('0.0.0.0');
    expect(broker.profiles).toEqual(['example']);
    expect(broker.depends_on).toEqual({ [agentUrl.hostname]: { condition: 'service_healthy' } });
    // The one directory of the image that its user may write to is where the volume is.
    const [, mount = ''] = broker.volumes[0]?.split(':') ?? [];
    expect(mount).toBe('/data');
    expect(values.data).toMatch(/^\/data\//);
  });

  test('has the credentials that are documented', () => {
    expect(service('postgres').environment).toEqual({
      POSTGRES_USER: 'streamhouse',
      POSTGRES_PASSWORD: 'streamhouse_dev',
      POSTGRES_DB: 'streamhouse_metadata',
    });
  });

  test.each(services)(
    '%s waits for what there is, also when its profile is asked for alone',
    (_, waiting) => {
      const { depends_on: dependsOn, profiles } = waiting;
      for (const name of Array.isArray(dependsOn) ? dependsOn : Object.keys(dependsOn)) {
        const other = service(name);
        expect(other.profiles.every((profile) => profiles.includes(profile))).toBe(true);
        const isHealthAsked = !Array.isArray(dependsOn) && dependsOn[name]?.condition === 'service_healthy';
        // The agents' check is the image's.
        const hasCheck = other.build !== undefined || other.healthcheck !== undefined;
        expect(!isHealthAsked || hasCheck).toBe(true);
      }
    },
  );

  test.each(services)('%s publishes its ports on loopback alone', (_, { ports }) => {
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
  });

  test('publishes no port twice', () => {
    const published = services.flatMap(([, { ports }]) => ports.map((port) => port.split(':')[1]));
    expect(new Set(published).size).toBe(published.length);
  });

  test.each(services)('%s mounts what exists', (_, { volumes }) => {
    for (const volume of volumes) {
      const [source = ''] = volume.split(':');
      const isThere = source.startsWith('./') ? existsSync(join(project, source)) : source in compose.volumes;
      expect([source, isThere]).toEqual([source, true]);
    }
  });

  test('pins every image to a version', () => {
    for (const [, { image, build }] of services) {
      expect(build !== undefined || /:v?\d+(\.\d+)*$/.test(image)).toBe(true);
    }
  });
});

describe('prometheus.yml', () => {
  const configForm = z.object({
    scrape_configs: z.array(
      z.looseObject({ static_configs: z.array(z.object({ targets: z.array(z.string()) })) }),
    ),
  });

  test('scrapes the agents of docker-compose.yml where they listen', () => {
    const { scrape_configs: jobs } = configForm.parse(readYaml('prometheus/prometheus.yml'));
    const targets = jobs.flatMap((job) => job.static_configs.flatMap((group) => group.targets));
    expect(targets).toEqual(
      agents.map(([name, agent]) => `${name}:${configured(agent.environment).HTTP_PORT}`),
    );
  });
});

describe('what Grafana is provisioned with', () => {
  const providersForm = z.object({
    providers: z.array(z.looseObject({ options: z.object({ path: z.string() }) })),
  });

  test('is a Prometheus that docker-compose.yml has', () => {
    expect(datasources).toHaveLength(1);
    for (const { type, url } of datasources) {
      expect(type).toBe('prometheus');
      expect(Object.keys(compose.services)).toContain(new URL(url).hostname);
    }
  });

  test('is the dashboards, where docker-compose.yml mounts them', () => {
    const { providers } = providersForm.parse(readYaml('grafana/provisioning/dashboards/streamhouse.yml'));
    const mounts = service('grafana').volumes.map((volume) => volume.split(':').slice(0, 2));
    const paths = providers.map(({ options }) => options.path);
    expect(mounts.filter(([, target]) => paths.includes(String(target))).map(([source]) => source)).toEqual([
      './grafana/dashboards',
    ]);
    const home = String(service('grafana').environment['GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH']);
    expect(existsSync(join(project, home.replace(String(paths[0]), 'grafana/dashboards')))).toBe(true);
  });
});

describe('the Dockerfile', () => {
  const instructions = read('Dockerfile')
    .replace(/^#.*\n/gm, '')
    .replace(/\\\n\s*/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '');
  const lastStage = instructions.slice(instructions.findLastIndex((line) => line.startsWith('FROM ')));
  const argument = (name: string): string =>
    (lastStage.findLast((line) => line.startsWith(`${name} `)) ?? '').slice(name.length + 1);
  const execForm = (text: string): string[] => z.array(z.string()).parse(JSON.parse(text));

  test('starts the agent in exec form, so that it gets the signals', () => {
    expect(execForm(argument('ENTRYPOINT'))).toEqual(['node', '/app/dist/main.js']);
    expect(execForm(argument('CMD'))).toEqual(['agent']);
  });

  test('runs as a user that is not root, from before the program starts', () => {
    expect(argument('USER')).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    const userAt = lastStage.findIndex((line) => line.startsWith('USER '));
    expect(userAt).toBeLessThan(lastStage.findIndex((line) => line.startsWith('ENTRYPOINT ')));
    expect(lastStage.filter((line) => line.startsWith('USER '))).toHaveLength(1);
  });

  test('gives that user the volume before it is one', () => {
    expect(argument('VOLUME')).toBe('/data');
    const ownedAt = lastStage.findIndex((line) => /^RUN mkdir \/data && chown node:node \/data$/.test(line));
    expect(ownedAt).toBeGreaterThan(0);
    expect(ownedAt).toBeLessThan(lastStage.findIndex((line) => line.startsWith('VOLUME ')));
  });

  test('has no store of its own in the environment, which would go before a file: the default is in the volume', () => {
    expect(lastStage.filter((line) => line.startsWith('ENV '))).toEqual(['ENV NODE_ENV=production']);
    expect(argument('WORKDIR')).toBe('/');
    expect(configured({}).DATABASE_URL).toBe('sqlite:./data/metadata.db');
  });

  test('runs no install script, and ships no development package', () => {
    const installs = instructions.filter((line) => /\bnpm (ci|install|i)\b/.test(line));
    expect(installs).toHaveLength(2);
    for (const install of installs) expect(install).toContain('--ignore-scripts');
    expect(installs[1]).toContain('--omit=dev');
    expect(lastStage).toContain('COPY --from=packages /app/node_modules ./node_modules');
  });

  test('uses a Node that the package allows', () => {
    const majors = [...read('Dockerfile').matchAll(/^FROM node:(\d+)-slim\b/gm)].map(([, major]) =>
      Number(major),
    );
    expect(majors).toHaveLength(3);
    expect(new Set(majors).size).toBe(1);
    expect(majors[0]).toBeGreaterThanOrEqual(20);
  });

  test('copies what exists and what .dockerignore lets through', () => {
    const copied = instructions
      .filter((line) => line.startsWith('COPY ') && !line.includes('--from='))
      .flatMap((line) => line.split(' ').slice(1, -1))
      .map((path) => path.replace('./', ''));
    const allowed = read('.dockerignore')
      .split('\n')
      .flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : []));
    expect(copied.filter((path) => !existsSync(join(project, path)))).toEqual([]);
    expect([...new Set(copied)].sort()).toEqual(allowed.sort());
  });

  test('checks the life of the process, not its store: an agent that answers is well, silence is not', async () => {
    const [node = '', ...args] = execForm(argument('HEALTHCHECK').replace(/^.*? CMD /, ''));
    expect(node).toBe('node');
    const asked: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url);
      response.statusCode = asked.length <= 2 ? 200 : 500;
      response.end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = z.object({ port: z.number() }).parse(server.address());
    const check = async (env: Readonly<Record<string, string>>): Promise<unknown> =>
      promisify(execFile)(process.execPath, args, { env }).then(
        () => 0,
        (error: unknown) => z.looseObject({ code: z.number() }).parse(error).code,
      );
    try {
      expect(await check({ HTTP_PORT: '1', STREAMHOUSE_HTTP_PORT: '2', METRICS_PORT: String(port) })).toBe(0);
      expect(await check({ HTTP_PORT: '1', STREAMHOUSE_HTTP_PORT: String(port) })).toBe(0);
      expect(await check({ HTTP_PORT: String(port) })).toBe(1);
    } finally {
      server.close();
      await once(server, 'close');
    }
    expect(await check({ HTTP_PORT: String(port) })).toBe(1);
    expect(asked).toEqual(['/livez', '/livez', '/livez']);
  });
});

describe('.dockerignore', () => {
  test('keeps out everything that is not named', () => {
    const [first] = read('.dockerignore')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    expect(first).toBe('*');
  });
});

describe('.env.example', () => {
  const lines = read('.env.example').split('\n');
  const assignment = /^(?<off>#?)(?<name>[A-Z][A-Z0-9_]*)=(?<value>.*)$/;
  const variables = lines.flatMap((line) => {
    const { off, name, value } = assignment.exec(line)?.groups ?? {};
    return name === undefined || value === undefined ? [] : [{ name, value, isOn: off === '' }];
  });

  test.each(variables)('$name is a setting', ({ name }) => {
    expect(settingNames).toContain(name);
  });

  test('names every setting', () => {
    expect(settingNames.filter((known) => !variables.some(({ name }) => name === known))).toEqual([]);
  });

  // Their examples are files that everybody has elsewhere.
  const files = ['DATABASE_CA_FILE', 'TLS_CERT_FILE', 'TLS_KEY_FILE'];
  const acceptable = variables.filter(({ name }) => !files.includes(name));

  test.each(acceptable)('$name=$value would be accepted', ({ name, value }) => {
    const setting = Object.entries(settings).find(([known]) => known === name)?.[1];
    expect(() => setting?.parse(value, name)).not.toThrow();
  });

  test('starts an agent on a file as it is', () => {
    const env = Object.fromEntries(
      variables.flatMap(({ name, value, isOn }) => (isOn ? [[name, value]] : [])),
    );
    expect(configured(env).DATABASE_URL).toBe('sqlite:./data/metadata.db');
  });

  test('starts one on the PostgreSQL of docker-compose.yml with all that is commented out', () => {
    const env = Object.fromEntries(acceptable.map(({ name, value }) => [name, value]));
    // The file, this, and several hosts.
    const [, compose] = variables.filter(({ name }) => name === 'DATABASE_URL');
    env['DATABASE_URL'] = compose?.value ?? '';
    const url = new URL(configured(env).DATABASE_URL);
    const {
      POSTGRES_USER: user,
      POSTGRES_PASSWORD: password,
      POSTGRES_DB: database,
    } = service('postgres').environment;
    expect(url.href).toBe(`postgres://${user}:${password}@127.0.0.1:5432/${database}`);
  });

  test('shows the default of what is not an example', () => {
    const examples = [
      'DIRECT_DATABASE_URL',
      ...files,
      'AGENT_ID',
      'AGENT_METADATA',
      'MANAGED_TOPICS',
      'HTTP_ALLOWED_HOSTS',
      'HTTP_SOCKET',
      'METRICS_PORT',
      'API_TOKEN',
      'API_READ_TOKEN',
      'BROKER_HEALTH_URL',
      'LOG_FORMAT',
    ];
    const derived: Readonly<Record<string, number>> = {
      HEARTBEAT_INTERVAL_MS: 2_500,
      STATEMENT_TIMEOUT_MS: 1_500,
      TRUST_MARGIN_MS: 2_000,
    };
    const wrong = settingNames.filter((known) => {
      if (examples.includes(known)) return false;
      const expected = settings[known].fallback ?? String(derived[known]);
      return !variables.some(({ name, value }) => name === known && value === expected);
    });
    expect(wrong).toEqual([]);
  });
});

describe('what the build leaves', () => {
  test('is a program that a shell can start, as often as it is built anew', () => {
    // npm makes it executable only once, when it links it.
    expect(statSync(join(project, 'dist/main.js')).mode & 0o111).toBe(0o111);
  });
});
