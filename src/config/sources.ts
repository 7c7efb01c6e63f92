// Where settings come from: flag over environment (prefixed over plain, NAME_FILE beside NAME) over file over default.
import { readFileSync } from 'node:fs';
import { parse as parseYaml } from 'yaml';
import { ConfigError } from './config-error.ts';
import { nearest } from './nearest.ts';
import { fileKey, flagName, type SettingName, settingNames, settings, unsupported } from './settings.ts';

export interface Raw {
  readonly text: string;
  /** For people: `--http-port`, `environment STREAMHOUSE_HTTP_PORT`, `file x.yaml`, `default`. */
  readonly source: string;
}

export type RawSettings = ReadonlyMap<SettingName, Raw>;

export interface Arguments {
  readonly flags: ReadonlyMap<SettingName, string>;
  readonly configFile: string | undefined;
  readonly printConfig: boolean;
  readonly help: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

const otherFlags = ['--config', '--print-config', '--help'];

/** `--name value`, `--name=value`; unknown flags are errors. */
export function readArguments(args: readonly string[]): Arguments {
  const byFlag = new Map(settingNames.map((name) => [flagName(name), name]));
  const flags = new Map<SettingName, string>();
  let configFile: string | undefined;
  let printConfig = false;
  let help = false;
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    const [flag = '', inline] = splitFlag(arg);
    if (flag === '--print-config') printConfig = true;
    else if (flag === '--help' || flag === '-h') help = true;
    else {
      const name = byFlag.get(flag);
      if (name === undefined && flag !== '--config')
        throw unknownFlag(flag, [...byFlag.keys(), ...otherFlags]);
      const value = inline ?? rest.shift();
      if (value === undefined) throw new ConfigError(`${flag} needs a value`);
      if (name === undefined) configFile = value;
      else flags.set(name, value);
    }
  }
  return { flags, configFile, printConfig, help };
}

export function readSettings(
  { flags, configFile }: Arguments,
  env: Environment,
): { readonly raw: RawSettings; readonly warnings: readonly string[] } {
  const fromFile = configFile === undefined ? new Map<SettingName, string>() : readConfigFile(configFile);
  const raw = new Map<SettingName, Raw>();
  for (const name of settingNames) {
    const flag = flags.get(name);
    const fromEnv = readVariable(env, `STREAMHOUSE_${name}`) ?? readVariable(env, name);
    const inFile = fromFile.get(name);
    const { fallback } = settings[name];
    if (flag !== undefined) raw.set(name, { text: flag, source: flagName(name) });
    else if (fromEnv !== undefined) raw.set(name, fromEnv);
    else if (inFile !== undefined) raw.set(name, { text: inFile, source: `file ${configFile}` });
    else if (fallback !== undefined) raw.set(name, { text: fallback, source: 'default' });
  }
  return { raw, warnings: checkEnvironment(env) };
}

function splitFlag(arg: string): readonly [string, string?] {
  if (!arg.startsWith('-'))
    throw new ConfigError(`unexpected argument "${arg}"; settings are given as --name value`);
  const at = arg.indexOf('=');
  return at < 0 ? [arg] : [arg.slice(0, at), arg.slice(at + 1)];
}

function unknownFlag(flag: string, known: readonly string[]): ConfigError {
  const meant = nearest(flag, known);
  return new ConfigError(
    `unknown flag ${flag}; ${meant ? `did you mean ${meant}?` : 'see streamhouse agent --help'}`,
  );
}

/** An empty variable counts as not set, as in Compose files. */
function readVariable(env: Environment, name: string): Raw | undefined {
  const file = env[`${name}_FILE`];
  const text = env[name];
  if (text !== undefined && text !== '') return { text, source: `environment ${name}` };
  // DATABASE_CA_FILE and the like are settings of their own.
  if (file === undefined || file === '' || settingNames.some((known) => name.endsWith(`${known}_FILE`)))
    return undefined;
  try {
    return { text: readFileSync(file, 'utf8').trimEnd(), source: `environment ${name}_FILE` };
  } catch (error) {
    throw new ConfigError(`${name}_FILE="${file}" cannot be read: ${reason(error)}`);
  }
}

function readConfigFile(file: string): Map<SettingName, string> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError(`--config "${file}" cannot be read: ${reason(error)}`);
  }
  let content: unknown;
  try {
    // YAML reads JSON too.
    content = parseYaml(text) ?? {};
  } catch (error) {
    throw new ConfigError(`--config "${file}" is neither JSON nor YAML: ${reason(error).split('\n')[0]}`);
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw new ConfigError(`--config "${file}" must hold an object of settings, for example httpPort: 7070`);
  }
  const byKey = new Map(settingNames.map((name) => [fileKey(name), name]));
  const found = new Map<SettingName, string>();
  for (const [key, value] of Object.entries(content)) {
    const name = byKey.get(key);
    if (name === undefined) {
      const meant = nearest(key, [...byKey.keys()]);
      throw new ConfigError(
        `--config "${file}": unknown key "${key}"${meant ? `; did you mean "${meant}"?` : ''}`,
      );
    }
    found.set(name, valueText(value));
  }
  return found;
}

function valueText(value: unknown): string {
  if (typeof value === 'string') return value;
  return Array.isArray(value) ? value.map(String).join(',') : JSON.stringify(value);
}

/** Says what is not understood where silence would mislead. */
function checkEnvironment(env: Environment): readonly string[] {
  const warnings: string[] = [];
  const known = [...settingNames, ...Object.keys(unsupported)];
  for (const [variable, value] of Object.entries(env)) {
    if (value === undefined || value === '') continue;
    const name = variable.replace(/^STREAMHOUSE_/, '').replace(/_FILE$/, '');
    const bare = variable.replace(/^STREAMHOUSE_/, '');
    const support = unsupported[bare] ?? unsupported[name];
    if (support === 'refused') {
      throw new ConfigError(
        `${variable} is set, but this release cannot honour it yet; unset it and keep to loopback`,
      );
    }
    if (support === 'ignored')
      warnings.push(`${variable} is set, but this release does not know it yet; ignored`);
    const meant = nearest(name, known);
    if (meant !== undefined && !known.includes(name)) {
      warnings.push(`environment variable ${variable} is unknown; did you mean ${meant}?`);
    }
  }
  return warnings;
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
