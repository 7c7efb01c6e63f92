// One simulation from its seed: a whole cluster lives through storms and outages, with calm between, and is held to its claims after
// every single event.
import { nextSettledInMs } from '../../src/coordination/placement.ts';
import { crashGraceMs } from '../../src/domain/crash-watch.ts';
import { sqlStore } from '../../src/store/sql/store.ts';
import { EraKeeper } from '../../src/store/era/era-keeper.ts';
import { SqliteFencedWrites } from '../../src/store/sqlite/fenced-writes.ts';
import { SqliteLeaseWrites } from '../../src/store/sqlite/lease-writes.ts';
import { SqliteOffsetWrites } from '../../src/store/sqlite/offset-writes.ts';
import { checkConverged, TrustClaims } from './claims.ts';
import { Database } from './database.ts';
import { type FaultCounts, noFaults } from './faults.ts';
import { Ledger, Violation } from './ledger.ts';
import { type Cluster, crashPollMs, Member, placement } from './member.ts';
import { Operator } from './operator.ts';
import { Random } from './random.ts';
import { Scheduler } from './scheduler.ts';
import { SignalNetwork } from './signal-network.ts';
import { Trace } from './trace.ts';
import { outageEndsWithinTtls, Weather } from './weather.ts';

export interface SimulationOptions {
  /** Hears everything that happens, line by line. */
  readonly onEvent?: (line: string) => void;
}

export interface Outcome {
  readonly seed: number;
  /** The first claim that did not hold, if one did not. */
  readonly violation:
    | {
        readonly claim: string;
        readonly detail: string;
        readonly phase: string;
        readonly atMs: number;
        /** The last events before it. */
        readonly events: readonly string[];
      }
    | undefined;
  readonly simulatedMs: number;
  readonly steps: number;
  readonly grants: number;
  readonly segmentsAccepted: number;
  /** From clear weather until the last lease was granted that had to be, the longest one; in TTLs. */
  readonly slowestRecoveryTtls: number;
  readonly faults: FaultCounts;
  /** How often an agent was seen to believe what was so no more, since its lock had been dropped unheard. */
  readonly believedInVain: number;
  /** The same for two runs of one seed. */
  readonly traceHash: string;
}

const eventsKept = 60;
const databaseEpochMs = Date.UTC(2026, 0, 1);

let shared: Database | undefined;

/** Runs the simulation of one seed. Rejects only for defects of the simulation itself. One at a time in a thread. */
export async function simulate(seed: number, options: SimulationOptions = {}): Promise<Outcome> {
  shared ??= new Database();
  const { stackTraceLimit } = Error;
  // Errors are what a storm is made of, and nobody reads where each was made.
  if (options.onEvent === undefined) Error.stackTraceLimit = 0;
  try {
    return await new Simulation(seed, shared, options).run();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

class Simulation {
  private readonly seed: number;
  private readonly cluster: Cluster;
  private readonly trace: Trace;
  private readonly members: readonly Member[];
  private readonly operator: Operator;
  private readonly weather: Weather;
  private readonly claims: TrustClaims;
  private readonly store;
  private phase = 'start';
  private steps = 0;
  private grantsSeen = 0;
  private lastGrantMs = 0;
  private slowestRecoveryMs = 0;
  private violation: Violation | undefined;

  constructor(seed: number, database: Database, options: SimulationOptions) {
    this.seed = seed;
    const random = new Random(seed);
    const detectsCrashes = random.chance(1 / 3);
    const scheduler = new Scheduler();
    const ledger = new Ledger(database);
    this.trace = new Trace({ capacity: eventsKept, listener: options.onEvent });
    const world = {
      scheduler,
      random,
      database,
      ledger,
      faults: noFaults(),
      detectsCrashes,
      ttlMs: detectsCrashes ? 2_000 : random.pick([1_000, 1_500, 2_000]),
      group: 'default',
      note: (who: string, what: string) => this.trace.add(scheduler.nowMs, who, what),
      fail: (violation: Violation) => {
        this.violation ??= violation;
      },
      topicId: (topic: string) => {
        const [row] = database.rows('select topic_id as id from topics where name = ?', [topic]);
        return row === undefined ? undefined : Number(row['id']);
      },
    };
    const cluster: Cluster = { ...world, signals: new SignalNetwork(world) };
    this.cluster = cluster;
    const names = Array.from({ length: random.whole(2, 5) }, (_, i) => `a${i + 1}`);
    this.members = names.map((name) => new Member(cluster, name, random.chance(0.7)));
    this.store = sqlStore(
      {
        name: 'sqlite',
        db: directly(database),
        coordination: { ...directly(database), incarnation: 1, lockKey: async () => null, lockTold() {} },
        leaseWrites: new SqliteLeaseWrites(directly(database)),
        fencedWrites: new SqliteFencedWrites(directly(database)),
        offsetWrites: new SqliteOffsetWrites(directly(database)),
        eras: new EraKeeper(directly(database), { excludeLeaseWrites: async () => undefined }),
        close: async () => undefined,
      },
      cluster.group,
    );
    this.operator = new Operator(cluster, this.store, this.members);
    this.weather = new Weather(cluster, this.members, this.operator);
    this.claims = new TrustClaims(ledger, this.members);
  }

  async run(): Promise<Outcome> {
    const { cluster, weather } = this;
    const { database, ledger, scheduler } = cluster;
    const clockMs = (): number => databaseEpochMs + scheduler.nowMs + weather.databaseAheadMs;
    database.begin(clockMs, (statements) => this.guard(() => ledger.committed(statements)));
    try {
      await this.live();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      this.violation ??= error;
    } finally {
      for (const member of this.members) member.kill();
      database.end();
    }
    return this.outcome();
  }

  private async live(): Promise<void> {
    const { cluster, members, operator, weather } = this;
    const { random, ttlMs, scheduler } = cluster;
    await operator.createTopic('orders', random.whole(1, 6));
    for (const member of members) scheduler.after(random.between(0, ttlMs), () => member.start());
    const phases = Array.from({ length: random.whole(1, 3) }, () =>
      random.chance(0.25) ? 'outage' : 'storm',
    );
    // Before an outage nothing must be on its way; and one long calm proves more than several.
    const isLong = (before: number): boolean => phases[before] !== 'storm';
    await this.calm('start', isLong(0));
    for (const [i, phase] of phases.entries()) {
      if (phase === 'outage') await this.outage(i + 1);
      else {
        const forMs = random.between(2, 5) * ttlMs;
        this.enter(`storm ${i + 1}: ${weather.storm(forMs)}`);
        await this.pass(forMs);
        weather.clear();
        await this.calm(`calm ${i + 1}`, isLong(i + 1));
      }
    }
    if (cluster.detectsCrashes) await this.crash();
    cluster.ledger.checkLogs();
  }

  /** In clear weather an agent dies: long before its TTL is over, others lead what it led. */
  private async crash(): Promise<void> {
    const { members, cluster, store } = this;
    const running = members.filter(({ current }) => current !== undefined);
    if (running.length < 2) return;
    this.enter('a crash');
    cluster.random.pick(running).kill();
    await this.pass(crashBoundMs);
    await checkConverged(store, cluster.ledger, members);
  }

  /** However long the store was away: when it is back, nobody has lost or gained anything. */
  private async outage(n: number): Promise<void> {
    const { ledger, random, ttlMs } = this.cluster;
    const before = { grants: ledger.grants, ended: ledger.sessionsEnded };
    // Those of less than a TTL are the ones that somebody may sleep through.
    const forMs = (random.chance(0.5) ? random.between(0.1, 0.7) : random.between(0.7, 4)) * ttlMs;
    this.enter(`outage ${n}: ${this.weather.outage(forMs)}`);
    await this.pass(forMs + outageEndsWithinTtls * ttlMs);
    this.cluster.signals.broadcast('resync');
    this.enter(`behind outage ${n}`);
    await this.pass(this.boundMs());
    if (ledger.grants !== before.grants || ledger.sessionsEnded !== before.ended) {
      throw new Violation(
        'nothing moves because the store was away',
        `${ledger.grants - before.grants} grants, ${ledger.sessionsEnded - before.ended} sessions ended`,
      );
    }
    await checkConverged(this.store, ledger, this.members);
  }

  /** The weather has cleared: within a bounded time everything is led, and in a long calm nothing moves from then on. */
  private async calm(name: string, isLong: boolean): Promise<void> {
    const { ledger, ttlMs } = this.cluster;
    this.enter(name);
    const clearMs = this.cluster.scheduler.nowMs;
    await this.operator.tidyUp();
    if (!isLong) return this.converge(this.boundMs());
    await this.pass(this.boundMs());
    this.slowestRecoveryMs = Math.max(this.slowestRecoveryMs, this.lastGrantMs - clearMs);
    await checkConverged(this.store, ledger, this.members);
    await this.settle();
    const grants = ledger.grants;
    const generation = await this.store.assignmentGeneration();
    await this.pass(ttlMs);
    const moved = ledger.grants - grants;
    const planned = (await this.store.assignmentGeneration()) - generation;
    if (moved + planned > 0)
      throw new Violation('in calm nothing moves', `${moved} grants, ${planned} plans`);
  }

  /** Who crashed again and again is given something when its wait is over. That is due then, whatever the weather. */
  private async settle(): Promise<void> {
    for (;;) {
      const inMs = nextSettledInMs(await this.store.readPlanningInput(), placement);
      if (inMs === undefined) return;
      await this.pass(inMs + this.cluster.ttlMs);
    }
  }

  /**
   * From clear weather until everything is led as planned. At worst three silences follow one another: an agent that was killed with all
   * others waits for its own last session to end, then everybody for the coordinator's, then the new coordinator for the rest. Where the
   * database's clock was set back by less than a TTL, the first of them ends when it has come as far again.
   */
  private boundMs(): number {
    const { ttlMs, faults } = this.cluster;
    return (faults['database clock jumped'] > 0 ? 4.25 : 3.25) * ttlMs + 1_000;
  }

  /** Until everything is led as planned, and no longer. */
  private async converge(withinMs: number): Promise<void> {
    const { ledger } = this.cluster;
    const looks = 8;
    for (let look = 1; look <= looks; look += 1) {
      await this.pass(withinMs / looks);
      try {
        return await checkConverged(this.store, ledger, this.members);
      } catch (error) {
        if (!(error instanceof Violation) || look === looks) throw error;
      }
    }
  }

  private async pass(ms: number): Promise<void> {
    const { scheduler } = this.cluster;
    await scheduler.runUntil(scheduler.nowMs + ms, () => {
      this.steps += 1;
      this.noteGrants();
      this.claims.check(scheduler.nowMs);
      if (this.violation !== undefined) throw this.violation;
    });
  }

  private noteGrants(): void {
    const { grants } = this.cluster.ledger;
    if (grants === this.grantsSeen) return;
    this.grantsSeen = grants;
    this.lastGrantMs = this.cluster.scheduler.nowMs;
  }

  private enter(phase: string): void {
    this.phase = phase;
    this.cluster.note('------', phase);
  }

  /** What the database shows in the middle of a call must not be that call's error. */
  private guard(look: () => void): void {
    try {
      look();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      this.violation ??= error;
    }
  }

  private outcome(): Outcome {
    const { cluster, seed, steps, trace, violation, phase } = this;
    const atMs = cluster.scheduler.nowMs;
    return {
      seed,
      violation: violation && {
        claim: violation.claim,
        detail: violation.message,
        phase,
        atMs,
        events: trace.lines(),
      },
      simulatedMs: atMs,
      steps,
      grants: cluster.ledger.grants,
      segmentsAccepted: cluster.ledger.segmentsAccepted,
      slowestRecoveryTtls: this.slowestRecoveryMs / cluster.ttlMs,
      faults: cluster.faults,
      believedInVain: this.claims.believedInVain,
      traceHash: trace.hash,
    };
  }
}

/**
 * From a crash until everything is led again: the lock is missed by the next look, then for the grace; the coordinator's successor looks
 * once more before it plans.
 */
const crashBoundMs = crashGraceMs + 2 * crashPollMs + 500;

/** The database without a network before it. */
function directly(database: Database) {
  return {
    dialect: database.dialect,
    all: database.all.bind(database),
    transaction: database.transaction.bind(database),
    async refreshStatistics() {},
  };
}
