// Elections for the brokers and jobs beside this agent. The lease names only the session, so who of several candidates here leads is
// decided here: a queue per role, a term for its head. Candidacies outlive sessions; terms do not.
import { COORDINATOR, leaseKeyText, roleKey } from '../domain/lease.ts';
import { Refusal, StoreUnavailable } from '../domain/refusal.ts';
import { Scope } from '../platform/scope.ts';
import type { Candidate } from './candidate.ts';
import type { CoordinationDeps } from './deps.ts';
import type { Candidacy, CampaignOptions, CandidacyHold, Elections } from './elections.ts';
import { Races, type RacesDeps } from './races.ts';
import { RoleKeeper, type RoleSession, standBackMs } from './role-keeper.ts';
import type { Race } from './race.ts';

export interface CandidaciesOptions {
  /** How long a candidate that was told to stop may take to say that it has, at most; milliseconds. */
  readonly standDownMs: number;
}

/** How long a resignation waits for the store to know, milliseconds. */
const releaseWaitMs = 5_000;

export class Candidacies implements Elections {
  private readonly deps: RacesDeps;
  private readonly options: CandidaciesOptions;
  private readonly races: Races;
  private session: RoleSession | undefined;
  private keeper: RoleKeeper | undefined;
  private isClosed = false;

  constructor(deps: RacesDeps, options: CandidaciesOptions) {
    this.deps = deps;
    this.options = options;
    this.races = new Races(deps);
  }

  /** Takes part in elections in this session, until `signal` aborts. */
  async run(
    deps: CoordinationDeps,
    session: RoleSession,
    tickMs: number,
    signal: AbortSignal,
  ): Promise<void> {
    const keeper = new RoleKeeper(deps, this.races, session, { tickMs });
    this.session = session;
    this.keeper = keeper;
    this.races.sessionId = session.sessionId;
    try {
      await keeper.run(this.options.standDownMs, signal);
    } finally {
      this.session = undefined;
      this.keeper = undefined;
    }
  }

  /** A role may have become vacant. */
  look(): void {
    this.keeper?.look();
  }

  /** What the session holds was read anew. */
  checkTerms(): void {
    this.keeper?.checkTerms();
  }

  /** The agent stops: every candidacy is over, and there are no new ones. */
  close(): void {
    this.isClosed = true;
    for (const race of this.races.all()) {
      for (const candidate of race.candidates) this.races.leave(candidate, 'stopped');
    }
  }

  async campaign(
    name: string,
    candidateName: string,
    hold: CandidacyHold,
    { waitMs }: CampaignOptions,
  ): Promise<Candidacy> {
    const receivedMs = this.deps.clock.monotonicMs();
    refuseCoordinator(name);
    if (this.isClosed) {
      throw new StoreUnavailable('this agent is stopping and takes no candidates', { outcomeUnknown: false });
    }
    if (hold.by === 'stream' && hold.ended.aborted) {
      throw new Refusal('conflict', 'the event stream has ended; open another and campaign with that one');
    }
    const known = this.living(name, candidateName);
    if (known !== undefined && !known.livesOn(hold)) {
      throw new Refusal(
        'conflict',
        `candidate "${candidateName}" is in the race for "${name}" already and lives on ${known.hold.by === 'stream' ? 'another event stream' : 'its renewals'}; resign it first, or campaign under another name`,
      );
    }
    if (known !== undefined && hold.by === 'renewal') known.renew(hold.holdMs, receivedMs);
    const candidate = known ?? this.races.enter(name, candidateName, hold, receivedMs);
    await this.untilLeading(candidate, waitMs);
    if (candidate.isOver) throw ended(name, candidateName);
    return this.describe(candidate, receivedMs);
  }

  renew(name: string, candidateName: string, holdMs: number): Candidacy {
    const receivedMs = this.deps.clock.monotonicMs();
    const candidate = this.living(name, candidateName);
    if (candidate === undefined) throw ended(name, candidateName);
    if (candidate.hold.by === 'stream') {
      throw new Refusal(
        'conflict',
        `candidate "${candidateName}" lives on its event stream and needs no renewal`,
      );
    }
    candidate.renew(holdMs, receivedMs);
    return this.describe(candidate, receivedMs);
  }

  async resign(name: string, candidateName: string): Promise<void> {
    const race = this.races.get(name);
    if (race === undefined) return;
    const candidate = race.find(candidateName);
    // One that is not there may be asking again, because it was not answered the first time.
    const hadTerm = candidate === undefined || race.leads(candidate) || race.awaits(candidate);
    if (candidate !== undefined) this.races.leave(candidate, 'resigned');
    if (hadTerm) await this.untilReleased(race);
  }

  requestResign(name: string, expectedEpoch: number | null): number | undefined {
    const epoch = isCoordinator(name) ? this.session?.coordinator.term?.epoch : this.epochOf(name);
    if (epoch === undefined || this.session === undefined) return undefined;
    if (expectedEpoch !== null && expectedEpoch !== epoch) {
      throw new Refusal('fenced', `"${name}" is led under epoch ${epoch}, not ${expectedEpoch}`, {
        givenEpoch: expectedEpoch,
        currentEpoch: epoch,
      });
    }
    if (isCoordinator(name)) this.session.coordinator.resign(standBackMs);
    else this.standDown(this.races.of(name));
    return epoch;
  }

  /** The store says that an operator, through whatever agent, wants this role released: asked once or often. */
  resignRequested(name: string): void {
    this.requestResign(name, null);
  }

  private standDown(race: Race): void {
    const untilMs = this.deps.clock.monotonicMs() + this.options.standDownMs;
    this.races.standDown(race, 'resigned', Math.min(untilMs, this.keeper?.promisedUntilMs(race) ?? 0));
  }

  private epochOf(name: string): number | undefined {
    const tenure = this.races.get(name)?.tenure;
    return tenure === undefined || tenure.is === 'none' ? undefined : tenure.epoch;
  }

  /** Judged here too, not only by its timer: that may be late. */
  private living(name: string, candidateName: string): Candidate | undefined {
    const candidate = this.races.get(name)?.find(candidateName);
    if (candidate === undefined || candidate.restMs() > 0) return candidate;
    this.races.leave(candidate, 'expired');
    return undefined;
  }

  private describe(candidate: Candidate, receivedMs: number): Candidacy {
    const { role: name, name: candidateName } = candidate;
    const tenure = this.races.get(name)?.tenure;
    if (tenure?.is !== 'led' || tenure.by !== candidate) {
      return {
        name,
        candidate: candidateName,
        state: 'waiting',
        epoch: null,
        since: null,
        trustedForMs: 0,
      };
    }
    const { epoch, since } = tenure;
    const restMs = Math.min(candidate.restMs(), this.session?.trustedForMs() ?? 0);
    // Who asked counts from when it sent the request, which was before it came here.
    const waitedMs = this.deps.clock.monotonicMs() - receivedMs;
    const trustedForMs = restMs > 0 ? Math.floor(restMs + waitedMs) : 0;
    return { name, candidate: candidateName, state: 'leading', epoch, since, trustedForMs };
  }

  private async untilLeading(candidate: Candidate, waitMs: number): Promise<void> {
    const { clock } = this.deps;
    const untilMs = clock.monotonicMs() + waitMs;
    for (;;) {
      const restMs = untilMs - clock.monotonicMs();
      const isLeading = this.races.get(candidate.role)?.leads(candidate) === true;
      if (restMs <= 0 || isLeading || candidate.isOver) return;
      await clock.sleep(restMs, candidate.awaited);
    }
  }

  private async untilReleased(race: Race): Promise<void> {
    const { clock } = this.deps;
    const untilMs = clock.monotonicMs() + releaseWaitMs;
    while (race.tenure.is === 'leaving' && race.tenure.awaited === undefined) {
      const restMs = untilMs - clock.monotonicMs();
      if (restMs <= 0) {
        throw new StoreUnavailable('the role is given up here, but the store does not know yet', {
          outcomeUnknown: true,
        });
      }
      using change = new Scope(new AbortController().signal);
      const stopListening = this.races.onChange(() => change.end());
      await clock.sleep(restMs, change.signal);
      stopListening();
    }
  }
}

function isCoordinator(name: string): boolean {
  return leaseKeyText(roleKey(name)) === leaseKeyText(COORDINATOR);
}

function refuseCoordinator(name: string): void {
  if (!isCoordinator(name)) return;
  throw new Refusal('conflict', `the role "${name}" is the agents' own: choose another name to campaign for`);
}

function ended(name: string, candidateName: string): Refusal {
  return new Refusal(
    'no_lease',
    `candidate "${candidateName}" is not in the race for "${name}" (any more): campaign for it`,
  );
}
