// Where settings come from: flag over environment (prefixed over plain, NAME_FILE beside NAME) over file over default.
import { readFileSync } from 'node:fs';
import { parse as parseYaml } from 'yaml';
import { ConfigError } from './config-error.ts';
import { nearest } from './nearest.ts';
import { fileProblem, shown, withoutPasswords } from './parse.ts';
import { fileKey, flagName, type SettingName, settingNames, settings } from './settings.ts';

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

const switches = ['--print-config', '--help', '-h'];
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
    const [flag, inline] = splitFlag(arg);
    if (inline !== undefined && switches.includes(flag)) throw new ConfigError(`${flag} takes no value`);
    if (flag === '--print-config') printConfig = true;
    else if (flag === '--help' || flag === '-h') help = true;
    else {
      const name = byFlag.get(flag);
      if (name === undefined && flag !== '--config')
        throw unknownFlag(flag, [...byFlag.keys(), ...otherFlags]);
      // A forgotten value must not swallow the flag behind it.
      const value = inline ?? (rest[0]?.startsWith('--') ? undefined : rest.shift());
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
  const warnings = [...checkEnvironment(env)];
  for (const name of settingNames) {
    const flag = flags.get(name);
    const fromEnv = readVariable(env, `STREAMHOUSE_${name}`) ?? readVariable(env, name);
    if (flag === undefined) warnings.push(...valueAndFile(env, name));
    const inFile = fromFile.get(name);
    const { fallback } = settings[name];
    if (flag !== undefined) raw.set(name, { text: flag, source: flagName(name) });
    else if (fromEnv !== undefined) raw.set(name, fromEnv);
    else if (inFile !== undefined) raw.set(name, { text: inFile, source: `file ${configFile}` });
    else if (fallback !== undefined) raw.set(name, { text: fallback, source: 'default' });
  }
  return { raw, warnings };
}

function splitFlag(arg: string): readonly [string, string?] {
  if (!arg.startsWith('-'))
    throw new ConfigError(`unexpected argument "${shown(arg)}"; settings are given as --name value`);
  const at = arg.indexOf('=');
  return at < 0 ? [arg] : [arg.slice(0, at), arg.slice(at + 1)];
}

function unknownFlag(flag: string, known: readonly string[]): ConfigError {
  const meant = nearest(flag, known);
  return new ConfigError(
    `unknown flag ${shown(flag)}; ${meant ? `did you mean ${meant}?` : 'see streamhouse agent --help'}`,
  );
}

/** An empty variable counts as not set, as in Compose files. */
function readVariable(env: Environment, name: string): Raw | undefined {
  const file = env[`${name}_FILE`];
  const text = env[name];
  if (text !== undefined && text !== '') return { text, source: `environment ${name}` };
  if (file === undefined || file === '') return undefined;
  try {
    return { text: readFileSync(file, 'utf8').trimEnd(), source: `environment ${name}_FILE` };
  } catch (error) {
    throw new ConfigError(`${name}_FILE="${shown(file)}" cannot be read: ${fileProblem(error)}`);
  }
}

/** A value beside the file of one: whoever gave the second may not know of the first, which an image or a unit may have set. */
function valueAndFile(env: Environment, name: SettingName): readonly string[] {
  // In the order in which they win.
  const given = [`STREAMHOUSE_${name}`, `STREAMHOUSE_${name}_FILE`, name, `${name}_FILE`].filter(
    (variable) => env[variable] !== undefined && env[variable] !== '',
  );
  const isFile = (variable: string): boolean => variable.endsWith(`${name}_FILE`);
  const [used, ...ignored] = given;
  const other = ignored.find((variable) => used !== undefined && isFile(variable) !== isFile(used));
  if (used === undefined || other === undefined) return [];
  return [`${used} and ${other} are both set; ${used} is used`];
}

function readConfigFile(file: string): Map<SettingName, string> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError(`--config "${shown(file)}" cannot be read: ${fileProblem(error)}`);
  }
  let content: unknown;
  try {
    // YAML reads JSON too. Its warnings would go to stderr with the line they are about, password and all.
    content = parseYaml(text, { logLevel: 'error' }) ?? {};
  } catch (error) {
    throw new ConfigError(`--config "${shown(file)}" is neither JSON nor YAML: ${yamlProblem(error)}`);
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw new ConfigError(
      `--config "${shown(file)}" must hold an object of settings, for example httpPort: 7070`,
    );
  }
  const byKey = new Map(settingNames.map((name) => [fileKey(name), name]));
  const found = new Map<SettingName, string>();
  for (const [key, value] of Object.entries(content)) {
    const name = byKey.get(key);
    if (name === undefined) {
      const meant = nearest(key, [...byKey.keys()]);
      throw new ConfigError(
        `--config "${shown(file)}": unknown key "${shown(key)}"${meant ? `; did you mean "${meant}"?` : ''}`,
      );
    }
    // `key:` without a value counts as not set, as an empty variable does.
    if (value !== null) found.set(name, valueText(value));
  }
  return found;
}

export function valueText(value: unknown): string {
  if (typeof value === 'string') return value;
  return Array.isArray(value) ? value.map(String).join(',') : JSON.stringify(value);
}

/** Says what is not understood where silence would mislead. */
function checkEnvironment(env: Environment): readonly string[] {
  const warnings: string[] = [];
  const known: readonly string[] = settingNames;
  for (const [variable, value] of Object.entries(env)) {
    if (value === undefined || value === '') continue;
    const name = variable.replace(/^STREAMHOUSE_/, '').replace(/_FILE$/, '');
    const bare = variable.replace(/^STREAMHOUSE_/, '');
    const isKnown = known.includes(name) || known.includes(bare);
    // Both: DATABASE_CA_FILE ends like the file of a secret and is a setting of its own.
    const meant = isKnown ? undefined : (nearest(name, known) ?? nearest(bare, known));
    if (meant !== undefined) {
      warnings.push(`environment variable ${variable} is unknown; did you mean ${meant}?`);
    }
  }
  return warnings;
}

/** What the parser of YAML says, without the line of the file it is about. */
function yamlProblem(error: unknown): string {
  const [line = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
  return withoutPasswords(line).replace(/:$/, '');
}
