// deploy/ held against the program: settings, probes, grace periods, what a container may do. No cluster and no systemd is
// needed; that a cluster takes the manifests is not claimed. The hooks run for real in test/e2e/deploy-hooks.test.ts.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type AgentConfig, loadConfig } from '../src/config/config.ts';
import { parseTimeout } from '../src/cli/duration.ts';
import { settingNames } from '../src/config/settings.ts';
import { allRoutes } from './http/routes.ts';
import { readDocuments, renderKustomization } from './support/kustomize.ts';
import { readUnit } from './support/unit-file.ts';

const deploy = fileURLToPath(new URL('../deploy', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'streamhouse-deploy-'));
const secret = join(scratch, 'url');
writeFileSync(secret, 'postgres://streamhouse:secret@db:5432/streamhouse_metadata\n');
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** What a broker has at least to stop by itself, and the margin, seconds. */
const brokerStopSeconds = 20;
const marginSeconds = 5;

/** The configuration an agent makes of `env`; fails when it would not start, or would warn. */
function configured(env: Readonly<Record<string, string>>): AgentConfig {
  const loaded = loadConfig([], env);
  if (loaded.outcome !== 'config') throw new Error('printed instead of loading');
  expect(loaded.config.warnings).toEqual([]);
  return loaded.config;
}

const exec = z.object({ exec: z.object({ command: z.array(z.string()) }) });
const httpGet = z.looseObject({
  httpGet: z.strictObject({ path: z.string(), port: z.literal('metrics') }),
  periodSeconds: z.number(),
  failureThreshold: z.number(),
});
const containerForm = z.looseObject({
  name: z.string(),
  image: z.string(),
  env: z.array(
    z.object({
      name: z.string(),
      value: z.string().optional(),
      valueFrom: z.object({ fieldRef: z.object({ fieldPath: z.string() }) }).optional(),
    }),
  ),
  ports: z.array(z.strictObject({ name: z.string(), containerPort: z.number() })),
  lifecycle: z.object({ postStart: exec.optional(), preStop: exec.optional() }).optional(),
});
type Container = z.infer<typeof containerForm>;
const podForm = z.looseObject({
  terminationGracePeriodSeconds: z.number(),
  initContainers: z.array(containerForm).default([]),
  containers: z.array(containerForm),
  volumes: z.array(
    z.object({ name: z.string(), secret: z.object({ secretName: z.string(), defaultMode: z.number() }) }),
  ),
});

test('every file below deploy/kubernetes is YAML that a kustomization names', () => {
  const files = readdirSync(join(deploy, 'kubernetes'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const texts = files.map((file) => [file, readFileSync(file, 'utf8')] as const);
  for (const file of files) {
    expect(readDocuments(file).length).toBeGreaterThan(0);
    const [name = ''] = file.split('/').slice(-1);
    if (name === 'kustomization.yaml') continue;
    const named = texts.filter(([other, text]) => other !== file && text.includes(name));
    expect(named.map(([other]) => other)).toEqual([join(file, '../kustomization.yaml')]);
  }
});

describe.each(['native-sidecar', 'classic-sidecar'])('the manifests of the %s', (overlay) => {
  const objects = renderKustomization(join(deploy, 'kubernetes', overlay));
  const only = (kind: string) => {
    const [object, ...others] = objects.filter((each) => each.kind === kind);
    expect(others).toEqual([]);
    return z.looseObject({ spec: z.looseObject({}) }).parse(object).spec;
  };
  const statefulSet = only('StatefulSet');
  const template = z
    .object({
      metadata: z.object({
        labels: z.record(z.string(), z.string()),
        annotations: z.record(z.string(), z.string()),
      }),
      spec: podForm,
    })
    .parse(statefulSet['template']);
  const pod = template.spec;
  const named = (name: string): Container => {
    const found = [...pod.initContainers, ...pod.containers].filter((each) => each.name === name);
    expect(found).toHaveLength(1);
    return containerForm.parse(found[0]);
  };
  const agent = named('agent');
  const broker = named('broker');
  const config = configured(environmentOf(agent));
  const shutdownSeconds = config.settings.SHUTDOWN_TIMEOUT_MS / 1_000;

  test('are a StatefulSet with its Service, a budget and a policy, and no secret', () => {
    expect(objects.map(({ kind }) => kind).sort()).toEqual([
      'NetworkPolicy',
      'PodDisruptionBudget',
      'Service',
      'StatefulSet',
    ]);
  });

  test('give the agent settings that it knows, and the store of the Secret', () => {
    const names = agent.env.map(({ name }) => name.replace(/^STREAMHOUSE_/, '').replace(/_FILE$/, ''));
    expect(names.filter((name) => !settingNames.some((known) => known === name))).toEqual(['POD_NAMESPACE']);
    expect(config.settings).toMatchObject({
      DATABASE_URL: 'postgres://streamhouse:secret@db:5432/streamhouse_metadata',
      AGENT_ID: 'broker-0',
      AGENT_ADDRESS: 'broker-0.broker.streams.svc:9092',
      HTTP_HOST: '127.0.0.1',
      API_INSECURE: false,
    });
  });

  test('give it the zone of its pod where there is one, and none elsewhere', () => {
    expect(config.settings.AGENT_ZONE).toBe('default');
    const inZone = environmentOf(agent, { "metadata.labels['topology.kubernetes.io/zone']": 'zone-a' });
    expect(configured(inZone).settings.AGENT_ZONE).toBe('zone-a');
  });

  test('mount the Secret where the agent reads it, for its user alone', () => {
    const [volume, ...others] = pod.volumes;
    expect(others).toEqual([]);
    const file = agent.env.find(({ name }) => name === 'STREAMHOUSE_DATABASE_URL_FILE')?.value;
    expect(agent['volumeMounts']).toEqual([
      { name: volume?.name, mountPath: file?.replace(/\/url$/, ''), readOnly: true },
    ]);
    expect(volume?.secret.defaultMode).toBe(0o440);
    expect(pod['securityContext']).toMatchObject({ fsGroup: 1_000 });
  });

  test('do not give the API away: it has no port outside of the pod', () => {
    expect(agent.ports.map(({ containerPort }) => containerPort)).toEqual([config.settings.METRICS_PORT]);
    expect(broker.env).toContainEqual({
      name: 'STREAMHOUSE_URL',
      value: `http://127.0.0.1:${config.settings.HTTP_PORT}`,
    });
    expect(JSON.stringify(objects)).not.toContain(`Port":${config.settings.HTTP_PORT}`);
  });

  test('probe paths that the port of the metrics answers, and never gate readiness', async () => {
    const { startupProbe, livenessProbe } = z
      .looseObject({ startupProbe: httpGet, livenessProbe: httpGet })
      .parse(agent);
    const paths = new Set((await allRoutes()).map(({ pattern }) => pattern));
    expect(paths.has(startupProbe.httpGet.path)).toBe(true);
    expect(paths.has(livenessProbe.httpGet.path)).toBe(true);
    expect([startupProbe.httpGet.path, livenessProbe.httpGet.path]).toEqual(['/readyz', '/livez']);
    expect(agent).not.toHaveProperty('readinessProbe');
    // A predecessor of the same name that died without a word is waited for as long as its TTL.
    const startSeconds = startupProbe.periodSeconds * startupProbe.failureThreshold;
    expect(startSeconds).toBeGreaterThan((2 * config.budget.ttlMs) / 1_000);
  });

  test('scrape where the metrics are', () => {
    expect(template.metadata.annotations).toEqual({
      'prometheus.io/scrape': 'true',
      'prometheus.io/port': String(config.settings.METRICS_PORT),
      'prometheus.io/path': '/metrics',
    });
  });

  test('let the agent do nothing that it need not', () => {
    expect(agent['securityContext']).toEqual({
      runAsNonRoot: true,
      runAsUser: 1_000,
      runAsGroup: 1_000,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      privileged: false,
      capabilities: { drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(pod).toMatchObject({
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    });
    for (const field of ['hostNetwork', 'hostPID', 'hostIPC', 'shareProcessNamespace']) {
      expect(pod).not.toHaveProperty(field);
    }
    expect(agent['resources']).toEqual({
      requests: { cpu: '100m', memory: '192Mi' },
      limits: { memory: '512Mi' },
    });
  });

  test('may run where the Pod Security Standard "restricted" is enforced', () => {
    // What it asks of each container; the rest stands at the pod, or is about fields that are not there.
    for (const container of [agent, broker]) {
      expect(container['securityContext']).toMatchObject({
        allowPrivilegeEscalation: false,
        capabilities: { drop: ['ALL'] },
      });
    }
    expect(pod.volumes.map((volume) => Object.keys(volume).sort())).toEqual([['name', 'secret']]);
  });

  test('pin every image', () => {
    for (const { image } of [agent, broker]) expect(image).toMatch(/^[a-z.]+\/[a-z-]+:\d+\.\d+\.\d+$/);
  });

  test('select their own pods, everywhere', () => {
    const labels = { 'app.kubernetes.io/name': 'broker' };
    expect(template.metadata.labels).toEqual(labels);
    expect(statefulSet).toMatchObject({ selector: { matchLabels: labels }, serviceName: 'broker' });
    expect(only('Service')).toMatchObject({ clusterIP: 'None', selector: labels });
    expect(only('PodDisruptionBudget')).toMatchObject({
      maxUnavailable: 1,
      selector: { matchLabels: labels },
    });
    expect(only('NetworkPolicy')).toMatchObject({ podSelector: { matchLabels: labels } });
  });

  test('let in the clients of the broker, and Prometheus to the metrics', () => {
    expect(only('NetworkPolicy')).toMatchObject({
      policyTypes: ['Ingress'],
      ingress: [
        { ports: [{ port: broker.ports[0]?.containerPort }], from: [{ namespaceSelector: {} }] },
        {
          ports: [{ port: config.settings.METRICS_PORT }],
          from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }],
        },
      ],
    });
    expect([...broker.ports, ...agent.ports].map(({ name }) => name)).toEqual(['broker', 'metrics']);
  });

  test('have grace periods that add up', () => {
    const preStop = broker.lifecycle?.preStop?.exec.command ?? [];
    const preStopSeconds = boundOf(preStop);
    // Natively the agent stops after the broker, else beside it, while the broker's preStop waits for it.
    const isNative = overlay === 'native-sidecar';
    if (!isNative) expect(preStopSeconds).toBeGreaterThan(shutdownSeconds);
    const handoverSeconds = isNative ? preStopSeconds + shutdownSeconds : preStopSeconds;
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(
      handoverSeconds + brokerStopSeconds + marginSeconds,
    );
    expect(preStopSeconds * 1_000).toBeGreaterThan(config.settings.HANDOFF_TIMEOUT_MS);
  });

  test('start and stop in an order in which the broker can acknowledge', () => {
    const isNative = overlay === 'native-sidecar';
    expect(pod.initContainers.map(({ name, restartPolicy }) => [name, restartPolicy])).toEqual(
      isNative ? [['agent', 'Always']] : [],
    );
    expect(agent.lifecycle).toBeUndefined();
    const hooks = JSON.stringify(broker.lifecycle);
    // Who drains takes it back: a drain outlives restarts.
    expect(hooks.includes('agents drain')).toBe(isNative);
    expect(hooks.includes('agents uncordon')).toBe(isNative);
    expect(broker.lifecycle?.postStart !== undefined).toBe(isNative);
  });
});

describe('docs/deploy.md', () => {
  const guide = readFileSync(join(deploy, '../docs/deploy.md'), 'utf8');

  test('names settings that exist', () => {
    const named = [...guide.matchAll(/`(?:STREAMHOUSE_)?([A-Z]+_[A-Z_]+)(?:=\w+)?`/g)].map(
      ([, name = '']) => name,
    );
    expect(named).toContain('SHUTDOWN_TIMEOUT_MS');
    const unknown = named.filter(
      (name) => !settingNames.some((known) => name.replace(/_FILE$/, '') === known),
    );
    expect(unknown).toEqual([]);
  });

  test('names files that exist', () => {
    const named = [...guide.matchAll(/\b(?:deploy|test)\/[\w./-]*\w/g)].map(([file]) => file);
    expect(named).toContain('deploy/kubernetes/native-sidecar');
    for (const file of named) expect([file, existsSync(join(deploy, '..', file))]).toEqual([file, true]);
  });
});

describe('the systemd unit', () => {
  const unit = readUnit(join(deploy, 'systemd/streamhouse-agent.service'));
  const one = (key: string): string => {
    const values = unit.get(key) ?? [];
    expect([key, values.length]).toEqual([key, 1]);
    return values[0] ?? '';
  };
  const variables = (values: readonly string[] = []) =>
    Object.fromEntries(
      values.map((value) => {
        const [name = '', ...rest] = value.split('=');
        return [name, rest.join('=').replace('%S', '/var/lib').replace('%d/database-url', secret)];
      }),
    );
  const environment = variables(unit.get('Service.Environment'));
  const example = variables(
    readFileSync(join(deploy, 'systemd/agent.env'), 'utf8')
      .split('\n')
      .map((line) => line.replace(/^#(?=[A-Z_]+=)/, ''))
      .filter((line) => /^[A-Z]/.test(line)),
  );

  test('starts the agent, and is told of no readiness that the program does not tell', () => {
    expect(one('Service.Type')).toBe('exec');
    expect(one('Service.ExecStart')).toBe('streamhouse agent');
    expect(one('Service.ExecReload')).toBe('/bin/kill -HUP $MAINPID');
    expect(unit.has('Service.WatchdogSec')).toBe(false);
  });

  test('is not killed while it hands over, and first it alone gets SIGTERM', () => {
    const { settings } = configured(environment);
    const stopMs = parseTimeout(one('Service.TimeoutStopSec'));
    expect(stopMs).toBeGreaterThanOrEqual(settings.SHUTDOWN_TIMEOUT_MS + marginSeconds * 1_000);
    expect([one('Service.KillMode'), one('Service.KillSignal')]).toEqual(['mixed', 'SIGTERM']);
  });

  test('is started again after anything but a stop and a mistake in the configuration', () => {
    expect(one('Service.Restart')).toBe('on-failure');
    expect(one('Service.RestartPreventExitStatus')).toBe('78');
    expect(one('Unit.StartLimitIntervalSec')).toBe('0');
  });

  test('keeps the embedded store in the one directory that its user owns', () => {
    const directory = one('Service.StateDirectory');
    expect(one('Service.DynamicUser')).toBe('yes');
    expect(one('Service.StateDirectoryMode')).toBe('0700');
    expect(configured(environment).settings.DATABASE_URL).toBe(`sqlite:/var/lib/${directory}/metadata.db`);
  });

  test('may do nothing that it need not', () => {
    for (const key of [
      'NoNewPrivileges',
      'ProtectHome',
      'PrivateTmp',
      'PrivateDevices',
      'ProtectKernelTunables',
      'ProtectControlGroups',
      'RestrictNamespaces',
      'RestrictSUIDSGID',
    ]) {
      expect([key, one(`Service.${key}`)]).toEqual([key, 'yes']);
    }
    expect(one('Service.ProtectSystem')).toBe('strict');
    expect(one('Service.CapabilityBoundingSet')).toBe('');
    // V8 compiles at run time: with it the program would not start.
    expect(unit.has('Service.MemoryDenyWriteExecute')).toBe(false);
  });

  test('has an example of settings that the agent knows, in force and commented out', () => {
    expect(one('Service.EnvironmentFile')).toBe('-/etc/streamhouse/agent.env');
    expect(Object.keys(example).filter((name) => !settingNames.some((known) => known === name))).toEqual([]);
    expect(configured({ ...environment, ...example }).settings).toMatchObject({
      METRICS_PORT: 7071,
      BROKER_REQUIRED: true,
    });
  });

  test('takes the URL of PostgreSQL as a credential, which goes before the embedded store', () => {
    const dropIn = readUnit(join(deploy, 'systemd/drop-ins/postgres.conf'));
    expect(dropIn.get('Service.LoadCredential')).toEqual(['database-url:/etc/streamhouse/database-url']);
    const both = { ...environment, ...variables(dropIn.get('Service.Environment')) };
    expect(configured(both).settings.DATABASE_URL).toMatch(/^postgres:/);
  });

  test('stops before its broker, and with it', () => {
    const dropIn = readUnit(join(deploy, 'systemd/drop-ins/broker.conf'));
    expect(Object.fromEntries(dropIn)).toEqual({
      'Unit.After': ['broker.service'],
      'Unit.PartOf': ['broker.service'],
      'Install.WantedBy': ['broker.service'],
    });
  });
});

/** As the kubelet would make it for the pod broker-0; of settings the image has none. */
function environmentOf(container: Container, fields: Readonly<Record<string, string>> = {}) {
  const known: Readonly<Record<string, string>> = {
    'metadata.name': 'broker-0',
    'metadata.namespace': 'streams',
    ...fields,
  };
  const env: Record<string, string> = {};
  for (const { name, value, valueFrom } of container.env) {
    const text = value ?? known[valueFrom?.fieldRef.fieldPath ?? ''] ?? '';
    env[name] = text.replace(/\$\((\w+)\)/g, (whole, other: string) => env[other] ?? whole);
    if (name === 'STREAMHOUSE_DATABASE_URL_FILE') env[name] = secret;
  }
  return env;
}

/** How long a hook may take, seconds: what its command bounds itself by. */
function boundOf(command: readonly string[]): number {
  if (command[0] === 'timeout') return Number(command[1]);
  const [, bound = ''] = /--wait --timeout (\w+)/.exec(command.join(' ')) ?? [];
  return parseTimeout(bound) / 1_000;
}
