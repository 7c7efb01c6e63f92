// Reading a configuration as the program does, and what every refusal owes its reader: one sentence, told once.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { ConfigError } from '../../src/config/config-error.ts';
import { type AgentConfig, loadConfig } from '../../src/config/config.ts';
import { settingNames } from '../../src/config/settings.ts';

export type Environment = Readonly<Record<string, string>>;

export function load(args: readonly string[], env: Environment = {}): AgentConfig {
  const loaded = loadConfig(args, env);
  if (loaded.outcome !== 'config') throw new Error(`printed instead of loading:\n${loaded.text}`);
  return loaded.config;
}

export function print(args: readonly string[], env: Environment = {}): string {
  const loaded = loadConfig(args, env);
  if (loaded.outcome !== 'print') throw new Error('loaded instead of printing');
  return loaded.text;
}

/** The sentence with which the configuration is refused; fails when it is not refused, or told in more than a sentence. */
export function refusal(args: readonly string[], env: Environment = {}): string {
  const { message } = refused(args, env);
  expect(message).not.toMatch(/[\r\n]/);
  expect(message).not.toMatch(/^\w*Error:|\bat \S+:\d+:\d+/);
  expect(message).not.toMatch(/\.$/);
  expect(message.trim()).toBe(message);
  return message;
}

function refused(args: readonly string[], env: Environment): ConfigError {
  try {
    loadConfig(args, env);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

/** A file in a directory of its own, gone after the test. */
export function temporaryFile(name: string, content: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'streamhouse-config-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, name);
  writeFileSync(file, content);
  return file;
}

/** A setting as `--print-config` shows it. */
export interface PrintedSetting {
  readonly value: string;
  readonly source: string;
}

export function printedSettings(args: readonly string[], env: Environment = {}): Map<string, PrintedSetting> {
  const lines = print(['--print-config', ...args], env).split('\n');
  return new Map(
    settingNames.flatMap((name) => {
      const mine = lines.filter((line) => line.startsWith(`${name}=`));
      expect(mine).toHaveLength(1);
      const [value = '', source = ''] = (mine[0] ?? '').slice(name.length + 1).split('  # ');
      return [[name, { value, source }]];
    }),
  );
}
