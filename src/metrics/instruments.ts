// Every instrument of this program, made from the tables by subject beside this file. Base units; prefix `streamhouse_`.
import { Registry } from 'prom-client';
import { type Clock, systemClock } from '../platform/clock.ts';
import { make } from './definition.ts';
import type { Probe } from './probe.ts';
import { Scrape } from './scrape.ts';
import { agentTable } from './table/agent.ts';
import { coordinatorTable } from './table/coordinator.ts';
import { doorTable } from './table/doors.ts';
import { leaseTable } from './table/leases.ts';
import { storeTable } from './table/store.ts';

/** Name, kind, help, labels and what to do, of all of them. */
export const table = {
  ...agentTable,
  ...leaseTable,
  ...coordinatorTable,
  ...storeTable,
  ...doorTable,
} as const;

export type Instruments = ReturnType<typeof createInstruments>;

/** Instruments of one agent, in a registry of their own. `scrape` renders them, and whatever else is put into the registry. */
export function createInstruments(probe: Probe, clock: Clock = systemClock) {
  const registry = new Registry();
  const instruments = make(table, registry);
  return { registry, ...instruments, scrape: new Scrape(registry, instruments, probe, clock) };
}
