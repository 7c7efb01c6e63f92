// Settings by value, as a program that embeds the agent gives them: the same rules and sentences as from anywhere else.
import { expect, test } from 'vitest';
import { ConfigError } from '../../src/config/config-error.ts';
import { configFromValues } from '../../src/config/config.ts';
import { readArguments, readSettings } from '../../src/config/sources.ts';
import { rawValues } from '../../src/config/values.ts';

test('values are judged and typed as from elsewhere, and what is left out has its default', () => {
  const { settings, budget } = configFromValues({
    databaseUrl: 'sqlite:./x.db',
    agentId: 'embedded',
    agentMetadata: { rack: 'r1' },
    managedTopics: ['orders*', 'payments'],
    httpPort: 0,
    autoMigrate: false,
    sessionTtlMs: 2_000,
    agentZone: undefined,
  });
  expect(settings).toMatchObject({
    DATABASE_URL: 'sqlite:./x.db',
    AGENT_ID: 'embedded',
    AGENT_METADATA: { rack: 'r1' },
    MANAGED_TOPICS: ['orders*', 'payments'],
    HTTP_PORT: 0,
    AUTO_MIGRATE: false,
    AGENT_ZONE: 'default',
  });
  expect(budget.ttlMs).toBe(2_000);
});

test('defaults are those of the daemon', () => {
  const { raw } = readSettings(readArguments([]), {});
  expect(rawValues({})).toEqual(raw);
});

test.each([
  [{ sessionTtlMs: 5 }, /^sessionTtlMs="5" must be a whole number/],
  [{ agentId: 'a b' }, /^agentId="a b" must be/],
  [{ databaseUrl: 'mysql://x' }, /^databaseUrl must begin with sqlite: or postgres:/],
  [{ sessionTtlMs: 1_000, heartbeatIntervalMs: 900 }, /HEARTBEAT_INTERVAL_MS|interval/i],
])('%j is a ConfigError that names the setting', (values, sentence) => {
  expect(() => configFromValues(values)).toThrow(ConfigError);
  expect(() => configFromValues(values)).toThrow(sentence);
});

test('an unknown name is an error that names the one that was meant', () => {
  const misspelt = { agentId: 'a', agentID: 'b' };
  expect(() => configFromValues(misspelt)).toThrow(/unknown setting "agentID"; did you mean "agentId"\?/);
});
