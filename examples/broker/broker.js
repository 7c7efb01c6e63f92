#!/usr/bin/env node
// A broker in small, with everything that a real one owes its agent: it writes batches of records as segment files, under terms that
// the agent beside it was granted, and tells producers where to go when it does not lead.
//
//   node examples/broker/broker.js --agent http://127.0.0.1:7070 --port 9092 --data ./segments
//
// --host is where it listens, --address where producers find it: its agent's AGENT_ADDRESS.
//
// What it does it says on stdout, one JSON object a line: `listening`, and `term begun` and `term ended` with the milliseconds of this
// machine's monotonic clock (`atMs`), so that whoever reads several brokers' lines knows which was first.
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { StreamhouseClient } from 'streamhouse-agent/client';
import { ObjectStore } from './object-store.js';
import { PartitionLog } from './partition-log.js';
import { produceServer } from './produce-server.js';

/** @import { PartitionName, Term } from 'streamhouse-agent/client' */

const { values: options } = parseArgs({
  options: {
    agent: { type: 'string', default: 'http://127.0.0.1:7070' },
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '9092' },
    address: { type: 'string' },
    data: { type: 'string', default: './segments' },
  },
});

/**
 * @param {object} fields
 * @param {string} msg
 */
function log(fields, msg) {
  process.stdout.write(`${JSON.stringify({ msg, ...fields })}\n`);
}

const client = new StreamhouseClient({
  url: options.agent,
  logger: {
    debug: () => undefined,
    info: log,
    warn: log,
    error: (fields, msg) => log({ ...fields, error: 'err' in fields ? String(fields.err) : '' }, msg),
  },
});
const objects = new ObjectStore(options.data);
const address = options.address ?? `${options.host}:${options.port}`;

/** @type {Map<string, PartitionLog>} */
const logs = new Map();

/** @param {PartitionName} name */
const nameOf = ({ topic, partition }) => `${topic}/${partition}`;

/** The clock that all processes of one machine share. */
const machineMs = () => Number(process.hrtime.bigint()) / 1e6;

/**
 * Says when a term begins and ends, and when the agent asked for it between the two.
 *
 * @param {Term} term
 */
function announce(term) {
  const { topic, partition, epoch } = term;
  /** @type {number | undefined} */
  let askedAtMs;
  log({ topic, partition, epoch, atMs: machineMs() }, 'term begun');
  term.revoking.addEventListener('abort', () => {
    askedAtMs = machineMs();
  });
  term.signal.addEventListener('abort', () => {
    const { reason } = term.signal.reason;
    log({ topic, partition, epoch, reason, atMs: machineMs(), askedAtMs }, 'term ended');
  });
}

/**
 * One term: takes batches until the agent asks for the partition, then finishes those it has. Returning is the acknowledgement.
 *
 * @param {Term} term
 */
async function lead(term) {
  announce(term);
  const partitionLog = new PartitionLog(term, { objects, metadata: client.metadata });
  logs.set(nameOf(term), partitionLog);
  try {
    if (!term.revoking.aborted) await once(term.revoking, 'abort');
  } finally {
    logs.delete(nameOf(term));
    await partitionLog.close();
  }
}

const server = produceServer({ logOf: (name) => logs.get(nameOf(name)), metadata: client.metadata, address });
server.listen(Number(options.port), options.host);
await once(server, 'listening');
log({ address }, 'listening');

const leading = client.run({ onTerm: lead });
await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]);
server.close();
server.closeIdleConnections();
// Its partitions go elsewhere when the agent has missed it for a while; drain the agent first to spare producers that pause.
await client.close();
await leading;
log({}, 'stopped');
