// What the plan says of agents and partitions, as tables: how much each agent has, what is its share, and what moves where.
import type { AgentLoadAnswer, MoveAnswer, MovingAnswer } from './answers.ts';
import { formatDuration } from './duration.ts';
import type { Cell, Column } from './table.ts';

export const loadColumns: readonly Column<AgentLoadAnswer>[] = [
  { header: 'AGENT', value: ({ agentId }) => agentId },
  { header: 'STATE', value: ({ state }) => state },
  { header: 'ZONE', value: ({ zone }) => zone },
  { header: 'WEIGHT', value: ({ weight }) => weight, align: 'right' },
  { header: 'SHARE', value: shareText, align: 'right' },
  { header: 'NOW', value: ({ assigned }) => assigned, align: 'right' },
  { header: 'PLANNED', value: ({ planned }) => planned, align: 'right' },
  { header: 'CHANGE', value: changeText, align: 'right' },
  { header: 'SETTLES-IN', value: settlesText, align: 'right', isWide: true },
];

export const moveColumns: readonly Column<MoveAnswer>[] = [
  { header: 'PARTITION', value: partitionOf },
  { header: 'FROM', value: ({ from }) => from },
  { header: 'TO', value: ({ to }) => to },
  { header: 'REASON', value: ({ reason }) => reason },
];

/** Of moves under way. */
export const movingColumns: readonly Column<MovingAnswer>[] = [
  { header: 'MOVING', value: partitionOf },
  { header: 'LED-BY', value: ({ from }) => from },
  { header: 'TO', value: ({ to }) => to },
];

export function partitionOf({ topic, partition }: Pick<MoveAnswer, 'topic' | 'partition'>): string {
  return `${topic}/${partition}`;
}

/** `1 move`, `2 moves`. */
export function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

function shareText({ share }: AgentLoadAnswer): Cell {
  return typeof share === 'number' ? Number(share.toFixed(1)) : share;
}

function changeText({ assigned, planned }: AgentLoadAnswer): Cell {
  if (typeof assigned !== 'number' || typeof planned !== 'number') return undefined;
  const change = planned - assigned;
  return change > 0 ? `+${change}` : change;
}

function settlesText({ settlesInMs }: AgentLoadAnswer): Cell {
  return settlesInMs ? durationText(settlesInMs) : undefined;
}

function durationText(ms: number | null | undefined): Cell {
  return typeof ms === 'number' ? formatDuration(Math.round(ms)) : undefined;
}
