// A write from the past: an append under an epoch that is over, straight to an agent, as a leader would send it that never heard of
// its end. Its object is there too: whoever reads what got through finds a record of nobody.
import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type AgentApi, bodyOf } from './api.ts';
import { type PartitionName, partitionText } from './partition-name.ts';
import type { ZombieAppend } from './records.ts';

export interface ZombieOptions {
  /** What to call the agent that is asked. */
  readonly through: string;
  /** The directory that plays the object store. */
  readonly data: string;
}

/** Undefined when the agent could not say: no answer, or no store behind it. */
export async function appendFromThePast(
  api: AgentApi,
  { topic, partition, epoch }: PartitionName & { readonly epoch: number },
  { through, data }: ZombieOptions,
): Promise<ZombieAppend | undefined> {
  const name = { topic, partition };
  const currentEpoch = async (): Promise<number> => {
    const { history } = bodyOf(await api.lastTerm(topic, partition), `the terms of ${partitionText(name)}`);
    return history[0]?.epoch ?? 0;
  };
  const state = bodyOf(await api.partition(topic, partition), partitionText(name));
  const epochBefore = await currentEpoch();
  const id = `zombie-${randomUUID()}`;
  const key = `${partitionText(name)}/${epoch}/${id}.seg`;
  const content = `${JSON.stringify({ producer: id, seq: 0 })}\n`;
  const file = join(data, key);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  const answer = await api.append({
    ...name,
    id,
    epoch,
    baseOffset: state.highWatermark,
    endOffset: state.highWatermark,
    recordCount: 1,
    sizeBytes: content.length,
    bucket: 'local',
    key,
  });
  if (answer.kind === 'silent' || answer.status === 503) return undefined;
  const problem = answer.kind === 'problem' ? answer.problem : undefined;
  const epochAfter = await currentEpoch();
  const { status } = answer;
  const [code, toldEpoch] = [problem?.code, problem?.currentEpoch];
  return { ...name, id, epoch, through, status, code, toldEpoch, epochBefore, epochAfter };
}
