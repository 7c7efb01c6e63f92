/** What all steps of one plan share. */
import type { DepartedAgent, PlacementPolicy, PlannerAgent } from './input.ts';
import type { Member } from './members.ts';
import type { Slices } from './slices.ts';
import type { Zone } from './zones.ts';

export interface Planning {
  readonly slices: Slices;
  readonly policy: PlacementPolicy;
  /** Those that live, whatever they take, by agent id. */
  readonly present: ReadonlyMap<string, PlannerAgent>;
  /** Those that are gone and known, by agent id. */
  readonly departed: ReadonlyMap<string, DepartedAgent>;
  /** Those that keep or take something, by agent id. */
  readonly members: ReadonlyMap<string, Member>;
  /** By agent id, departed agents among them. */
  readonly zones: ReadonlyMap<string, Zone>;
  /** Ids of the agents of the previous plan; undefined when not known, and then nobody counts as joined. */
  readonly previousAgents: ReadonlySet<string> | undefined;
  /** How many times a partition was put somewhere so far. */
  turns: number;
}
