// The producers' door: `POST /produce/{topic}/{partition}` with `{id, records}`. The id is the producer's own, and the same for every
// attempt at the same batch, through whichever broker.
//
//   200  stored: {baseOffset, endOffset, epoch}
//   307  another broker leads it: Location
//   503  nobody leads it now, or the outcome is unknown: send the same batch again, here or there
//   400  the request is wrong
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { NotFound, StreamhouseError } from 'streamhouse-agent/client';
import { LogClosed } from './partition-log.js';

/** @import { IncomingMessage, Server, ServerResponse } from 'node:http' */
/** @import { Metadata, PartitionName } from 'streamhouse-agent/client' */
/** @import { Batch, PartitionLog } from './partition-log.js' */

/**
 * @typedef {object} ProduceServerDeps
 * @property {(name: PartitionName) => PartitionLog | undefined} logOf The log of a partition that is led here.
 * @property {Metadata} metadata
 * @property {string} address Our own, as other brokers' producers are told.
 */

/**
 * Not listening yet.
 *
 * @param {ProduceServerDeps} deps
 * @returns {Server}
 */
export function produceServer(deps) {
  const server = createServer((request, response) => {
    // Who has a connection could go on asking for ever, and hold up our end.
    response.shouldKeepAlive = server.listening;
    void serve(deps, request, response);
  });
  return server;
}

/**
 * @param {ProduceServerDeps} deps
 * @param {IncomingMessage} request
 * @param {ServerResponse} response
 */
async function serve(deps, request, response) {
  try {
    const { status, body, headers = {} } = await answer(deps, request);
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  } catch {
    // Without an answer: the producer asks again.
    response.destroy();
  }
}

/** @typedef {{ readonly status: number, readonly body: object, readonly headers?: Record<string, string> }} Answer */

/**
 * @param {ProduceServerDeps} deps
 * @param {IncomingMessage} request
 * @returns {Promise<Answer>}
 */
async function answer(deps, request) {
  const [, verb, topic, partition, ...rest] = (request.url ?? '').split('/');
  const isProduce = request.method === 'POST' && verb === 'produce' && rest.length === 0;
  if (!isProduce || !topic || !/^\d+$/.test(partition ?? '')) {
    return { status: 404, body: { code: 'not_found', detail: 'POST /produce/{topic}/{partition}' } };
  }
  const batch = batchOf(await json(request).catch(() => undefined));
  if (batch === undefined) {
    return { status: 400, body: { code: 'invalid', detail: '{"id": "…", "records": [at least one]}' } };
  }
  return produce(deps, { topic, partition: Number(partition) }, batch);
}

/**
 * @param {ProduceServerDeps} deps
 * @param {PartitionName} name
 * @param {Batch} batch
 * @returns {Promise<Answer>}
 */
async function produce(deps, name, batch) {
  const log = deps.logOf(name);
  try {
    if (log !== undefined) return { status: 200, body: await log.write(batch) };
  } catch (error) {
    if (!(error instanceof StreamhouseError || error instanceof LogClosed)) throw error;
    // Not stored, or not known to be: the producer asks again, and the id keeps it from being stored twice.
    return { status: 503, body: { code: 'try_again', detail: error.message } };
  }
  return elsewhere(deps, name);
}

/**
 * @param {ProduceServerDeps} deps
 * @param {PartitionName} name
 * @returns {Promise<Answer>}
 */
async function elsewhere({ metadata, address }, name) {
  try {
    const leader = await metadata.leader(name);
    if (leader.address !== null && leader.address !== address) {
      const location = `http://${leader.address}/produce/${name.topic}/${name.partition}`;
      return { status: 307, headers: { location }, body: { code: 'not_leader', leader: leader.agentId } };
    }
    return { status: 503, body: { code: 'try_again', detail: 'nobody leads it at this moment' } };
  } catch (error) {
    if (error instanceof NotFound) return { status: 404, body: { code: 'not_found', detail: error.message } };
    if (error instanceof StreamhouseError)
      return { status: 503, body: { code: 'try_again', detail: error.message } };
    throw error;
  }
}

/**
 * @param {unknown} body
 * @returns {Batch | undefined}
 */
function batchOf(body) {
  if (typeof body !== 'object' || body === null || !('id' in body) || !('records' in body)) return undefined;
  const { id, records } = body;
  // It becomes part of a file's name.
  if (typeof id !== 'string' || !/^[A-Za-z0-9._-]{1,100}$/.test(id)) return undefined;
  return Array.isArray(records) && records.length > 0 ? { id, records } : undefined;
}
