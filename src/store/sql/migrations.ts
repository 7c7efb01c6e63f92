// Migrations: read from drizzle's folder format, the same bookkeeping in both backends.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readMigrationFiles } from 'drizzle-orm/migrator';
import { StoreMisconfigured } from '../../domain/refusal.ts';
import type { SchemaStatus } from '../schema-admin.ts';

export interface Migration {
  readonly name: string;
  readonly statements: readonly string[];
}

/** What the store says of itself; undefined before the first migration. */
export interface SchemaState {
  readonly applied: readonly string[];
  readonly minCompatible: number;
}

export const emptySchema: SchemaState = { applied: [], minCompatible: 0 };

export function readMigrations(folder: string): readonly Migration[] {
  const journal: { readonly entries: readonly { readonly tag: string }[] } = JSON.parse(
    readFileSync(join(folder, 'meta/_journal.json'), 'utf8'),
  );
  const files = readMigrationFiles({ migrationsFolder: folder });
  return files.map((file, i) => ({ name: journal.entries[i]?.tag ?? `${i}`, statements: file.sql }));
}

/** Our schema level is the number of migrations we know. */
export function schemaStatus(state: SchemaState, known: readonly Migration[]): SchemaStatus {
  const applied = new Set(state.applied);
  const pending = known
    .filter((migration) => !applied.has(migration.name))
    .map((migration) => migration.name);
  const { minCompatible } = state;
  return { applied: state.applied, pending, minCompatible, isHalfCopied: minCompatible === copyingLevel };
}

/**
 * What `min_compatible` says while `streamhouse db copy` fills the store: above every level there will be, so that programs
 * that know nothing of copies keep away as well.
 */
export const copyingLevel = 1_000_000;

/** A store that a newer program has moved beyond what this one understands says so by itself; so does one half copied. */
export function refuseTooNewStore(state: SchemaState, known: readonly Migration[]): void {
  if (state.minCompatible <= known.length) return;
  if (state.minCompatible === copyingLevel) {
    throw new StoreMisconfigured(
      'a copy into this store is not finished, and nobody may use it before; run the same "streamhouse db copy" again, which goes on where it was, or begin it anew with --replace',
    );
  }
  throw new StoreMisconfigured(
    `the store needs a program that knows schema level ${state.minCompatible}; this one knows ${known.length}: upgrade it`,
  );
}

/** Before use: everything applied, and nothing beyond us. */
export function refuseUnusableStore(state: SchemaState, known: readonly Migration[]): void {
  refuseTooNewStore(state, known);
  const { pending } = schemaStatus(state, known);
  if (pending.length === 0) return;
  throw new StoreMisconfigured(
    `the store lacks ${pending.length} migration(s), first ${pending[0]}; run: streamhouse db migrate`,
  );
}

/** Names of the triggers that these migrations, in their order, make and leave in place. */
export function triggersOf(migrations: readonly Migration[]): readonly string[] {
  const statements = migrations.flatMap((migration) => migration.statements).join('\n');
  const names = new Set<string>();
  for (const [, word, name = ''] of statements.matchAll(/^(CREATE|DROP) (?:OR REPLACE )?TRIGGER (\w+)/gm)) {
    if (word === 'CREATE') names.add(name);
    else names.delete(name);
  }
  return [...names];
}
