// Instruments over a probe that says nothing, and their series as a scraper would find them.
import { createInstruments, type Instruments } from '../../src/metrics/instruments.ts';
import type { Probe } from '../../src/metrics/probe.ts';

export const quietProbe: Probe = {
  group: 'g',
  agentStates: () => ({ active: true, suspended: false }),
  brokerState: () => 'none',
  leasesHeld: () => 0,
  leaseHandoffs: () => 0,
  isCoordinator: () => false,
  trustedForMs: () => 0,
  signalsConnected: () => false,
  crashDetectionActive: () => false,
  storePools: () => [],
  leases: () => undefined,
  plan: async () => undefined,
  counts: async () => undefined,
};

export function instrumentsOver(probe: Partial<Probe> = {}): Instruments {
  return createInstruments({ ...quietProbe, ...probe });
}

/** Every series of a metric by its labels, `{a="1",b="2"}` or the empty text, as the exposition spells them. */
export async function series(
  { scrape }: Pick<Instruments, 'scrape'>,
  name: string,
): Promise<Record<string, number>> {
  return seriesIn(await scrape.metrics(), name);
}

export function seriesIn(exposition: string, name: string): Record<string, number> {
  return Object.fromEntries(
    exposition.split('\n').flatMap((line) => {
      const match = /^(?<name>\w+)(?<labels>\{.*\})? (?<value>\S+)$/.exec(line);
      if (match?.groups?.['name'] !== name) return [];
      return [[match.groups['labels'] ?? '', Number(match.groups['value'])]];
    }),
  );
}
