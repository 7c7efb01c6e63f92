// Named roles for the brokers and jobs beside this agent: what candidates and operators may ask of it.

/** What a candidacy lives on: an event stream, until it ends, or renewals, each of which holds it for `holdMs`. */
export type CandidacyHold =
  | { readonly by: 'stream'; readonly ended: AbortSignal }
  | { readonly by: 'renewal'; readonly holdMs: number };

export interface Candidacy {
  readonly name: string;
  /** Who campaigns, of those beside this agent; a name of their own choice, and their identity: two that share it are one. */
  readonly candidate: string;
  /** `leading`: may act as leader under `epoch` for `trustedForMs`; `waiting`: is asked for as soon as the role is free. */
  readonly state: 'leading' | 'waiting';
  /** The epoch of its term; null while waiting. */
  readonly epoch: number | null;
  /** When its term began, by this agent's wall clock, for display; null while waiting. */
  readonly since: Date | null;
  /**
   * How long it may act without another answer, counted by the caller from when it sent the request, however long the answer
   * took; 0 while waiting, and while the agent does not trust its session.
   */
  readonly trustedForMs: number;
}

export interface CampaignOptions {
  /** Answers when the role is won, at the latest after this time; 0 answers at once. */
  readonly waitMs: number;
}

export interface Elections {
  /**
   * Enters or stays in the race; asking again with the same arguments is fine. Refuses `conflict`: the coordinator's role, which
   * is the agents' own; a stream that has ended; a candidacy that lives on something else; too many candidacies. Refuses
   * `no_lease` when the candidacy ended while it waited. StoreUnavailable when the agent is stopping.
   */
  campaign(
    name: string,
    candidate: string,
    hold: CandidacyHold,
    options: CampaignOptions,
  ): Promise<Candidacy>;
  /** Holds on for another `holdMs`, counted from now. Refuses `no_lease` when the candidacy has ended. */
  renew(name: string, candidate: string, holdMs: number): Candidacy;
  /**
   * Leaves the race, and gives the role up when leading; fine when it has ended already. Resolves when the store knows;
   * StoreUnavailable when it does not answer in time: the role is given up here and will be there.
   */
  resign(name: string, candidate: string): Promise<void>;
  /**
   * An operator's word: who leads here is told to stop and goes to the end of the queue. The role is released when it resigns, its
   * stream ends or its trust is over. Answers the epoch of the term that ends; undefined when nobody beside this agent
   * leads. Of the coordinator's role, this agent gives it up itself. Refuses `fenced` when another epoch was expected.
   */
  requestResign(name: string, expectedEpoch: number | null): number | undefined;
}
