// Listening on a Unix socket: the file's mode, and what is in its place already. A socket outlives a process that was killed;
// whether somebody is still behind it is found out by asking.
import { lstatSync, type Stats, unlinkSync } from 'node:fs';
import { once } from 'node:events';
import { connect, type Server } from 'node:net';
import { ListenFailed } from './listen-failed.ts';

/** Owner and group may connect: connecting needs the right to write. */
const mode = 0o660;

/** Listens at `path`, with a dead process's socket replaced. The file is gone when the server is closed. Fails with ListenFailed. */
export async function listenOnSocket(server: Server, path: string): Promise<void> {
  const found = whatIsAt(path);
  if (found !== undefined) await clear(path, found);
  try {
    await listenWithMode(server, path);
  } catch (error) {
    throw new ListenFailed(`HTTP_SOCKET="${path}" cannot be listened on: ${said(error)}`, { cause: error });
  }
}

async function listenWithMode(server: Server, path: string): Promise<void> {
  // Through the mask: between listening and changing the mode anybody could connect. The file is made in this very call.
  const before = process.umask(0o777 & ~mode);
  const listening = once(server, 'listening');
  try {
    server.listen(path);
  } finally {
    process.umask(before);
  }
  await listening;
}

async function clear(path: string, found: Stats): Promise<void> {
  if (!found.isSocket()) {
    throw new ListenFailed(
      `HTTP_SOCKET="${path}" names something that is no socket; name another path, or remove it`,
    );
  }
  if (await isAlive(path)) {
    throw new ListenFailed(
      `HTTP_SOCKET="${path}" is in use by a running process; stop it, or name another path`,
    );
  }
  // Another agent may have replaced it while we asked.
  if (whatIsAt(path)?.ino !== found.ino) return;
  try {
    unlinkSync(path);
  } catch (error) {
    throw new ListenFailed(
      `HTTP_SOCKET="${path}" was left by a dead process and cannot be removed: ${said(error)}`,
      { cause: error },
    );
  }
}

/** Anything but a refusal means that somebody may be there: a full queue, or missing rights. */
async function isAlive(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED');
  } finally {
    socket.destroy();
  }
}

function whatIsAt(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

function said(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
