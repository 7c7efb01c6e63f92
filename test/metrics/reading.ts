// Instruments over a probe that says nothing, and their series as a scraper would find them.
import type { Registry } from 'prom-client';
import { createInstruments, type Instruments, type Probe } from '../../src/metrics/instruments.ts';

export const quietProbe: Probe = {
  group: 'g',
  agentStates: () => ({ active: true, suspended: false }),
  leasesHeld: () => 0,
  trustedForMs: () => 0,
  signalsConnected: () => false,
  agents: async () => ({}),
  partitions: async () => ({}),
};

export function instrumentsOver(probe: Partial<Probe> = {}): Instruments {
  return createInstruments({ ...quietProbe, ...probe });
}

/** Every series of a metric by its labels, `{a="1",b="2"}` or the empty text, as the exposition spells them. */
export async function series(registry: Registry, name: string): Promise<Record<string, number>> {
  const lines = (await registry.metrics()).split('\n');
  return Object.fromEntries(
    lines.flatMap((line) => {
      const match = /^(?<name>\w+)(?<labels>\{.*\})? (?<value>\S+)$/.exec(line);
      if (match?.groups?.['name'] !== name) return [];
      return [[match.groups['labels'] ?? '', Number(match.groups['value'])]];
    }),
  );
}
