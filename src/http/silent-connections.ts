// Connections that have not asked for anything yet: clients keep one in reserve (fetch does, when a request of its is
// aborted). To Node they are not idle, so that they would hold up the stop for as long as the client likes.
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { HttpApp } from './http-app.ts';

export function closeSilentConnections(app: HttpApp): void {
  const silent = new Set<Socket>();
  // Behind TLS a request's socket is the one that speaks it.
  const event = 'setSecureContext' in app.server ? 'secureConnection' : 'connection';
  app.server.on(event, (socket: Socket) => {
    silent.add(socket);
    socket.once('close', () => silent.delete(socket));
  });
  app.server.on('request', ({ socket }: IncomingMessage) => silent.delete(socket));
  app.addHook('preClose', async () => {
    for (const socket of silent) socket.destroy();
  });
}
