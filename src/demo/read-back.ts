// Reads everything back as consumers do: the records from the files, through the example's consumer, a process of its own, and the segments
// that they are in through an agent.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { AgentApi } from './api.ts';
import { byPartition, type PartitionName, partitionText } from './partition-name.ts';
import { DemoFailed } from './patience.ts';
import type { ReadPartition } from './records.ts';

const consumerProgram = fileURLToPath(new URL('../../examples/broker/consumer.js', import.meta.url));
const outputBytesMax = 256 * 1_048_576;
const timeoutMs = 120_000;

const lineForm = z.object({
  topic: z.string(),
  partition: z.number(),
  offset: z.number(),
  record: z.object({ producer: z.string(), seq: z.number() }),
});

export interface ReadBackOptions {
  /** The directory that plays the object store. */
  readonly data: string;
  readonly partitions: readonly PartitionName[];
  readonly signal?: AbortSignal;
}

/** Fails when anything is missing: half a read proves nothing. */
export async function readBack(
  api: AgentApi,
  { data, partitions, signal }: ReadBackOptions,
): Promise<ReadPartition[]> {
  const names = partitions.map(partitionText);
  const output = await run([consumerProgram, ...names, '--agent', api.url, '--data', data], signal);
  const lines = output.split('\n').filter(Boolean);
  const records = byPartition(lines.map((line) => lineForm.parse(JSON.parse(line))));
  const read: ReadPartition[] = [];
  for (const topic of new Set(partitions.map((name) => name.topic))) {
    for (const stored of await api.readBack(topic)) {
      read.push({ ...stored, records: records.get(partitionText(stored)) ?? [] });
    }
  }
  return read;
}

async function run(args: readonly string[], signal: AbortSignal | undefined): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = {
      env: {},
      maxBuffer: outputBytesMax,
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
      ...(signal && { signal }),
    } as const;
    execFile(process.execPath, args, options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new DemoFailed(`the consumer failed: ${stderr || error.message}`));
    });
  });
}
