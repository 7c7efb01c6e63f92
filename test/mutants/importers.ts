// Who imports a file, be it by others: a mutant needs copies of its own of the file that it edits and of these, and of nothing else.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** An import or a re-export of more than types, and a dynamic import, of a file of ours. */
const imported =
  /^(?:import|export)\s+(?!type\b)(?:[^'";]*?\sfrom\s+)?'(?<static>\.[^']+)'|\bimport\('(?<dynamic>\.[^']+)'\)/gm;

export class Importers {
  private readonly direct = new Map<string, string[]>();
  private readonly known = new Map<string, ReadonlySet<string>>();

  /** Reads all sources below these folders; absolute paths. */
  constructor(folders: readonly string[]) {
    const files = folders.flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts'))
        .map((name) => join(folder, name)),
    );
    for (const file of files) {
      for (const { groups } of readFileSync(file, 'utf8').matchAll(imported)) {
        const target = join(dirname(file), groups?.['static'] ?? groups?.['dynamic'] ?? '');
        const importers = this.direct.get(target) ?? [];
        importers.push(file);
        this.direct.set(target, importers);
      }
    }
  }

  /** The file itself, and all that would be another program with another file in its place. */
  of(file: string): ReadonlySet<string> {
    let found = this.known.get(file);
    if (found === undefined) {
      const reached = new Set([file]);
      // A set that grows while it is walked is walked to its last end.
      for (const next of reached) for (const importer of this.direct.get(next) ?? []) reached.add(importer);
      found = reached;
      this.known.set(file, found);
    }
    return found;
  }
}
