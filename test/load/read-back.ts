// Reads everything back as consumers do: the records through the example's consumer, a process of its own, and the segments they are in
// through an agent.
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { StreamhouseClient } from '../../src/client/client.ts';
import { byPartition, type PartitionName, partitionText } from '../../src/demo/history.ts';
import type { ReadPartition, ReadSegment } from '../../src/demo/records.ts';
import { runProgram } from '../support/program.ts';

const consumerProgram = fileURLToPath(new URL('../../examples/broker/consumer.js', import.meta.url));

const lineForm = z.object({
  topic: z.string(),
  partition: z.number(),
  offset: z.number(),
  record: z.object({ producer: z.string(), seq: z.number() }),
});

export async function readBack(
  agentUrl: string,
  data: string,
  partitions: readonly PartitionName[],
): Promise<ReadPartition[]> {
  const names = partitions.map(partitionText);
  const run = await runProgram([...names, '--agent', agentUrl, '--data', data], {
    entry: consumerProgram,
    timeoutMs: 120_000,
  });
  if (run.code !== 0) throw new Error(`the consumer failed: ${run.stderr}`);
  const lines = run.stdout.split('\n').filter(Boolean);
  const records = byPartition(lines.map((line) => lineForm.parse(JSON.parse(line))));
  const client = new StreamhouseClient({ url: agentUrl });
  const read: ReadPartition[] = [];
  for (const name of partitions) {
    const segments: ReadSegment[] = [];
    for await (const segment of client.metadata.segments(name)) segments.push(segment);
    read.push({ ...name, records: records.get(partitionText(name)) ?? [], segments });
  }
  await client.close();
  return read;
}
