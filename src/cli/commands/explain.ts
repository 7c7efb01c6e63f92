// `explain`: why a partition is where it is, what the plan wants with it, and what it waits for.
import type { Command } from 'commander';
import { explanationForm, type ExplanationAnswer } from '../answers.ts';
import { parsePartitionRef, type PartitionRef } from '../arguments.ts';
import { addReadingCommand } from '../command.ts';
import type { CliContext } from '../context.ts';
import { presentLooks } from '../looks.ts';
import { printable } from '../printable.ts';
import { formatFacts } from '../table.ts';

export function addExplainCommand(program: Command, context: CliContext): void {
  addReadingCommand(program, 'explain', {
    summary: 'Tell why a partition is where it is, what the plan wants, and what it waits for',
    details: 'With -o wide also the facts behind the sentences.',
    examples: [
      'explain orders/3',
      'explain orders/3 --watch',
      'explain orders/3 -o json | jq -r .waitsFor[]',
    ],
  })
    .argument('<topic/partition>', 'the partition', parsePartitionRef)
    .action(async ({ topic, partition }: PartitionRef, _options: unknown, command: Command) => {
      const path = ['v1', 'explain', topic, String(partition)];
      await presentLooks(context, command, async (api) => {
        const { value, body } = await api.get(path, explanationForm);
        const sentences = value.sentences.map((sentence) => `${printable(sentence)}\n`).join('');
        return {
          body,
          table: (isWide) => (isWide ? `${sentences}\n${facts(value)}` : sentences),
          names: () => [`${value.topic}/${value.partition}`],
        };
      });
    });
}

function facts(value: ExplanationAnswer): string {
  const { plan, waitsFor } = value;
  return formatFacts([
    ['Partition', `${value.topic}/${value.partition}`],
    ['Leader', value.leader ?? 'nobody'],
    ['Epoch', value.epoch],
    ['Assigned to', value.assignedTo ?? 'nobody'],
    ['Reason', value.reason],
    ['Assigned', value.assignedAt],
    ['Plan', plan ? `to ${plan.to ?? 'nobody'} (${plan.reason ?? 'unknown'})` : 'as it is assigned'],
    ['Waits for', waitsFor?.join('; ')],
  ]);
}
