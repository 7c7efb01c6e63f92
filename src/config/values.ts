// Settings given by value, as a program that embeds the agent gives them: the same names as in a configuration file, the same parsers,
// the same sentences when one is wrong.
import { ConfigError } from './config-error.ts';
import { nearest } from './nearest.ts';
import { shown } from './parse.ts';
import { fileKey, settingNames, type SettingName, settings } from './settings.ts';
import { type RawSettings, valueText } from './sources.ts';

type Camel<S extends string> = S extends `${infer Head}_${infer Tail}`
  ? `${Lowercase<Head>}${CamelTail<Tail>}`
  : Lowercase<S>;
type CamelTail<S extends string> = S extends `${infer Head}_${infer Tail}`
  ? `${Capitalize<Lowercase<Head>>}${CamelTail<Tail>}`
  : Capitalize<Lowercase<S>>;

/** Every setting of an agent, in camelCase (`HTTP_PORT` is `httpPort`); what is left out has its default. */
export type SettingValues = {
  readonly [N in SettingName as Camel<N>]?: ReturnType<(typeof settings)[N]['parse']> | undefined;
};

/** Throws ConfigError for a name that is no setting; values are judged where those from elsewhere are. */
export function rawValues(values: SettingValues): RawSettings {
  const byKey = new Map(settingNames.map((name) => [fileKey(name), name]));
  const raw = new Map<SettingName, { readonly text: string; readonly source: string }>();
  for (const name of settingNames) {
    const { fallback } = settings[name];
    if (fallback !== undefined) raw.set(name, { text: fallback, source: 'default' });
  }
  for (const [key, value] of Object.entries(values)) {
    const name = byKey.get(key);
    if (name === undefined) {
      const meant = nearest(key, [...byKey.keys()]);
      throw new ConfigError(`unknown setting "${shown(key)}"${meant ? `; did you mean "${meant}"?` : ''}`);
    }
    if (value !== undefined) raw.set(name, { text: valueText(value), source: `value ${key}` });
  }
  return raw;
}
