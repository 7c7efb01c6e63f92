// What people read about the settings: --print-config and --help.
import { describe, expect, test } from 'vitest';
import { flagName, settingNames, settings } from '../../src/config/settings.ts';
import { load, print, printedSettings, temporaryFile } from './load.ts';

describe('--print-config', () => {
  test('shows every setting once, in the order of the table, with its source', () => {
    const lines = print(['--print-config']).trimEnd().split('\n');
    expect(lines.map((line) => line.split('=')[0])).toEqual(settingNames);
    for (const line of lines) expect(line).toMatch(/^[A-Z_]+=.* {2}# (default|derived|not set)$/);
  });

  test('says of each value where it came from', () => {
    const file = temporaryFile('agent.yaml', 'agentGroup: from-file\n');
    const env = {
      AGENT_ZONE: 'plain',
      STREAMHOUSE_AGENT_WEIGHT: '2',
      AGENT_ADDRESS_FILE: temporaryFile('address', 'broker:9092\n'),
    };
    const shown = Object.fromEntries(printedSettings(['--config', file, '--http-port=0'], env));
    expect(shown).toMatchObject({
      HTTP_PORT: { value: '0', source: '--http-port' },
      AGENT_WEIGHT: { value: '2', source: 'environment STREAMHOUSE_AGENT_WEIGHT' },
      AGENT_ZONE: { value: 'plain', source: 'environment AGENT_ZONE' },
      AGENT_ADDRESS: { value: 'broker:9092', source: 'environment AGENT_ADDRESS_FILE' },
      AGENT_GROUP: { value: 'from-file', source: `file ${file}` },
      SESSION_TTL_MS: { value: '10000', source: 'default' },
      HEARTBEAT_INTERVAL_MS: { value: '2500', source: 'derived' },
      TRUST_MARGIN_MS: { value: '2000', source: 'derived' },
      STATEMENT_TIMEOUT_MS: { value: '1500', source: 'derived' },
      DIRECT_DATABASE_URL: { value: '', source: 'not set' },
    });
  });

  test('keeps to one line a setting', () => {
    const env = { AGENT_METADATA: '{\n  "rack": "r1"\n}' };
    expect(printedSettings([], env).get('AGENT_METADATA')?.value).toBe('{ "rack": "r1" }');
  });

  test('can be read back: its values make the same configuration', () => {
    const env = { AGENT_ID: 'broker-1', SESSION_TTL_MS: '6000', MANAGED_TOPICS: 'a,b-*' };
    const first = printedSettings([], env);
    const again = Object.fromEntries([...first].map(([name, { value }]) => [name, value]));
    expect(load([], again).budget).toEqual(load([], env).budget);
    const values = (shown: typeof first) => [...shown].map(([name, { value }]) => [name, value]);
    expect(values(printedSettings([], again))).toEqual(values(first));
  });
});

describe('--help', () => {
  const help = print(['--help']);

  test.each(settingNames)('names and explains %s', (name) => {
    const line = help.split('\n').find((each) => each.trimStart().startsWith(`${flagName(name)} `));
    expect(line).toContain(settings[name].meaning);
  });

  test('names the switches, and fits a screen', () => {
    expect(help).toContain('--config ');
    expect(help).toContain('--print-config ');
    for (const line of help.split('\n')) expect(line.length).toBeLessThanOrEqual(140);
  });
});
