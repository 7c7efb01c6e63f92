// Named roles for the brokers and jobs beside this agent: what candidates may ask of it.

/** What a candidacy lives on: an event stream, until it ends, or renewals, each of which holds it for `holdMs`. */
export type CandidacyHold =
  | { readonly by: 'stream'; readonly ended: AbortSignal }
  | { readonly by: 'renewal'; readonly holdMs: number };

export interface Candidacy {
  readonly name: string;
  /** Who campaigns, of those beside this agent; a name of their own choice. */
  readonly candidate: string;
  /** `leading`: may act as leader under `epoch` for `trustedForMs`; `waiting`: is asked for as soon as the role is free. */
  readonly state: 'leading' | 'waiting';
  /** The epoch of its term; null while waiting. */
  readonly epoch: number | null;
  /** How long it may act without another renewal or answer, counted by the caller from when it sent the request; 0 while waiting. */
  readonly trustedForMs: number;
}

export interface Elections {
  /** Enters or stays in the race. Refuses `conflict` for the coordinator's role, which is the agents' own. */
  campaign(name: string, candidate: string, hold: CandidacyHold): Promise<Candidacy>;
  /** Holds on for another `holdMs`, counted from now. Refuses `no_lease` when the candidacy has ended. */
  renew(name: string, candidate: string, holdMs: number): Promise<Candidacy>;
  /** Leaves the race, and gives the role up when leading; fine when it has ended already. */
  resign(name: string, candidate: string): Promise<void>;
}
