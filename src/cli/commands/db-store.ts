// Which store a `db` command opens, and how it is named: flags over the variables that agents read.
import { InvalidArgumentError, Option, type Command } from 'commander';
import { parseSchema } from '../arguments.ts';
import { addCommand, outputOption, urlOption, type CommandText } from '../command.ts';
import type { CliDeps, DbOptions } from '../deps.ts';
import { checkVariable, readSecret, readVariable } from '../environment.ts';

export interface StoreFlags {
  readonly databaseUrl?: string;
  readonly schema?: string;
}

export function schemaOption(): Option {
  return new Option(
    '--schema <name>',
    'PostgreSQL schema (env: DATABASE_SCHEMA, default: streamhouse)',
  ).argParser(parseSchema);
}

export function schemaOf(flag: string | undefined, { env }: CliDeps): string {
  const fromEnv = readVariable(env, 'STREAMHOUSE_DATABASE_SCHEMA', 'DATABASE_SCHEMA');
  return flag ?? checkVariable(fromEnv, parseSchema) ?? 'streamhouse';
}

export function addStoreCommand(db: Command, name: string, text: CommandText): Command {
  return addCommand(db, name, text)
    .addOption(urlOption('--database-url', 'the store (env: DATABASE_URL)', parseStoreUrl))
    .addOption(schemaOption())
    .addOption(outputOption());
}

/**
 * Which store. Unlike an agent, no default: a forgotten URL would make an empty SQLite file here and report it as
 * migrated. The variables are the agent's, so that one environment serves both.
 */
export function storeOf(
  command: Command,
  flags: StoreFlags,
  deps: CliDeps,
): { url: string; options: DbOptions } {
  const { env, signal } = deps;
  const fromEnv = readSecret(env, 'STREAMHOUSE_DATABASE_URL', 'DATABASE_URL');
  const url = flags.databaseUrl ?? checkVariable(fromEnv, parseStoreUrl);
  if (url === undefined) {
    return command.error('error: which store? Name it with --database-url or set DATABASE_URL');
  }
  const schema = schemaOf(flags.schema, deps);
  const caFile = readVariable(env, 'STREAMHOUSE_DATABASE_CA_FILE', 'DATABASE_CA_FILE')?.value;
  return { url, options: { schema, caFile, signal } };
}

/** Only the beginning: the rest is for whoever opens it, and a message here must not repeat a password. */
export function parseStoreUrl(text: string): string {
  if (/^(postgres(ql)?:\/\/|sqlite:)./.test(text)) return text;
  throw new InvalidArgumentError('It must begin with postgres:// or sqlite:.');
}
