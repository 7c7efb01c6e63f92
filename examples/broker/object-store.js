// A directory that plays the object store: objects appear whole or not at all, and stay through a crash of this machine.
import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export class ObjectStore {
  #directory;

  /** @param {string} directory Made when it is not there. */
  constructor(directory) {
    this.#directory = directory;
  }

  /**
   * Under a name of its own first, and then renamed: nobody reads half an object.
   *
   * @param {string} key
   * @param {Uint8Array} content
   */
  async put(key, content) {
    const path = join(this.#directory, key);
    const folder = dirname(path);
    await mkdir(folder, { recursive: true });
    const draft = `${path}.${randomUUID()}.tmp`;
    await writeDurably(draft, content);
    await rename(draft, path);
    // The name is part of the folder, and lost with it unless that is written as well.
    await syncFolder(folder);
  }

  /** @param {string} key */
  async get(key) {
    return readFile(join(this.#directory, key));
  }

  /** @param {string} key */
  async remove(key) {
    await rm(join(this.#directory, key), { force: true });
  }
}

/**
 * @param {string} path
 * @param {Uint8Array} content
 */
async function writeDurably(path, content) {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** @param {string} folder */
async function syncFolder(folder) {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
