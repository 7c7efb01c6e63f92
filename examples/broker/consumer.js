#!/usr/bin/env node
// Prints the records of partitions, one a line.
//
//   node examples/broker/consumer.js orders/0 orders/1 --agent http://127.0.0.1:7070 --data ./segments --from 0
import { parseArgs } from 'node:util';
import { StreamhouseClient } from 'streamhouse-agent/client';
import { consume } from './consume.js';
import { ObjectStore } from './object-store.js';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    agent: { type: 'string', default: 'http://127.0.0.1:7070' },
    data: { type: 'string', default: './segments' },
    from: { type: 'string', default: '0' },
  },
});

// It asks for no terms, so it is nobody's broker.
const client = new StreamhouseClient({ url: options.agent });
const deps = { metadata: client.metadata, objects: new ObjectStore(options.data) };
for (const text of positionals) {
  const [topic = '', partition = '0'] = text.split('/');
  const name = { topic, partition: Number(partition) };
  for await (const item of consume(deps, name, Number(options.from))) {
    process.stdout.write(`${JSON.stringify({ ...name, ...item })}\n`);
  }
}
