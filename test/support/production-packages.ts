// Which installed packages are there for the program and not for its development, as the lock file says.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const lockForm = z.object({
  packages: z.record(
    z.string(),
    z.object({ dev: z.boolean().optional(), devOptional: z.boolean().optional() }),
  ),
});

/** Their directories below `project`, outer ones first; what is not for this platform is not installed, and left out. */
export function productionPackages(project: string): string[] {
  const { packages } = lockForm.parse(JSON.parse(readFileSync(join(project, 'package-lock.json'), 'utf8')));
  return Object.entries(packages)
    .filter(([path, { dev, devOptional }]) => path.startsWith('node_modules/') && !dev && !devOptional)
    .map(([path]) => path)
    .filter((path) => existsSync(join(project, path)));
}
