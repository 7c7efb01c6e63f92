// A copy of a directory that costs little: the directories are new and the unprivileged user's, the files are links to the
// same ones, which keep their owner. Nobody may write into them.
import { constants, copyFileSync, linkSync, lchownSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { unprivilegedUser } from './unprivileged-user.ts';

interface LinkTreeOptions {
  /** By the name of a file or directory. Default: all. */
  readonly isWanted?: (name: string) => boolean;
}

export function linkTree(source: string, target: string, options: LinkTreeOptions = {}): void {
  const { isWanted = () => true } = options;
  const user = unprivilegedUser();
  const made = mkdirSync(target, { recursive: true });
  if (made !== undefined && user !== undefined) {
    // Those above it that had to be made are the user's as well.
    for (let path = target; path.length >= made.length; path = join(path, '..'))
      lchownSync(path, user.uid, user.gid);
  }
  for (const name of readdirSync(source)) {
    if (!isWanted(name)) continue;
    const from = join(source, name);
    if (statSync(from).isDirectory()) linkTree(from, join(target, name), options);
    else linkOrCopy(from, join(target, name));
  }
}

function linkOrCopy(source: string, target: string): void {
  try {
    linkSync(source, target);
  } catch {
    // Another file system, or one that has no links.
    copyFileSync(source, target, constants.COPYFILE_EXCL);
  }
}
