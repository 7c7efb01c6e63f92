// A partition's name, as text and as a key to group by.

export interface PartitionName {
  readonly topic: string;
  readonly partition: number;
}

export function partitionText({ topic, partition }: PartitionName): string {
  return `${topic}/${partition}`;
}

export function byPartition<T extends PartitionName>(items: readonly T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const text = partitionText(item);
    const group = groups.get(text);
    if (group === undefined) groups.set(text, [item]);
    else group.push(item);
  }
  return groups;
}
