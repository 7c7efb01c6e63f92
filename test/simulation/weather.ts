// What befalls a cluster: in storms, several kinds of trouble at a time, each striking again and again; in outages, the store alone is
// away for everybody.
import type { FaultKind } from './faults.ts';
import type { Host, HostProcess } from './host.ts';
import type { Cluster, Member, RunningAgent } from './member.ts';
import type { Act, Operator } from './operator.ts';
import type { Random } from './random.ts';

interface Trouble {
  /** Between two strikes, on average, in TTLs. */
  readonly every: number;
  strike(): void;
}

/** An agent compares its clocks more than once in so long (src/coordination/stall-watch.ts). */
const seenWithinTtls = 0.06;

/** Looks further apart are not one observation (src/coordination/reaper.ts). */
const gapMaxTtls = 0.5;

/** The store is not back for everybody at one moment. */
export const outageEndsWithinTtls = 0.35;

export class Weather {
  /** The database's clock is so far ahead of the simulation's, milliseconds. */
  databaseAheadMs = 0;
  private readonly cluster: Cluster;
  private readonly members: readonly Member[];
  private readonly random: Random;
  private readonly troubles: Readonly<Record<string, Trouble>>;
  private stormEndsMs = 0;
  /** Whose wall clocks were set back a moment ago. */
  private readonly steppedUnseen = new Set<HostProcess>();

  constructor(cluster: Cluster, members: readonly Member[], operator: Operator) {
    this.cluster = cluster;
    this.members = members;
    this.random = cluster.random.fork();
    this.troubles = this.makeTroubles(operator);
  }

  /** Some kinds of trouble, from now on for so long. Answers which. */
  storm(forMs: number): string {
    const { random, cluster } = this;
    this.stormEndsMs = cluster.scheduler.nowMs + forMs;
    const names = Object.keys(this.troubles);
    // One trouble alone leaves the others well enough to act on it; many together leave nobody well.
    const others = random.chance(0.5) ? 0.08 : random.between(0.15, 0.7);
    const chosen = [random.pick(names), ...random.some(names, others)];
    const picked = [...new Set(chosen)];
    for (const name of picked) this.strikeOften(name);
    for (const { current } of this.members)
      if (current?.broker !== undefined) current.broker.manners = random.pick(['prompt', 'late', 'silent']);
    return picked.join(', ');
  }

  /** The store is away for everybody, in one way or several, and nothing else happens. */
  outage(forMs: number): string {
    const { random, cluster } = this;
    // Of those that alone are refused while others are well, crash detection says that they crashed.
    const ways = ['refusing', 'hanging', 'writesFail'] as const;
    const way = cluster.detectsCrashes ? random.pick(ways) : random.pick([...ways, 'mixed'] as const);
    const napper = !cluster.detectsCrashes && random.chance(0.5) ? this.someObserver() : undefined;
    for (const member of this.members) {
      const { current } = member;
      if (current === undefined) continue;
      if (member === napper) {
        this.sleepThrough(current, forMs);
        continue;
      }
      const own = way === 'mixed' ? random.pick(['refusing', 'hanging', 'writesFail'] as const) : way;
      this.storeAway(current, own, forMs + random.between(0, outageEndsWithinTtls) * cluster.ttlMs);
    }
    // One that was paused for less than half a TTL knows of the outage by its lost connection alone.
    const isNapShort = napper !== undefined && forMs < (gapMaxTtls + 0.05) * cluster.ttlMs;
    if (isNapShort || random.chance(0.5))
      cluster.scheduler.after(forMs * random.next(), () => this.restartStore());
    if (random.chance(0.3)) cluster.scheduler.after(forMs * random.next(), () => this.jumpDatabaseClock());
    return `store ${way}`;
  }

  /** Most often the coordinator, which watches everybody. */
  private someObserver(): Member {
    const coordinator = this.members.find(({ current }) => current?.agent.status().isCoordinator);
    return coordinator !== undefined && this.random.chance(0.7)
      ? coordinator
      : this.random.pick(this.members);
  }

  /** One that was paused all the time saw nobody beat and no failure of its own: it knows nothing. */
  private sleepThrough({ process }: RunningAgent, forMs: number): void {
    const { random, cluster } = this;
    this.count('agent paused', process.name);
    process.stop();
    const endsMs = forMs + random.between(0, outageEndsWithinTtls / 2) * cluster.ttlMs;
    cluster.scheduler.after(endsMs, () => process.continue());
  }

  /** The weather clears: whatever was broken works again, and whoever was killed comes back, or never. */
  clear(): void {
    const { random, members, cluster } = this;
    cluster.signals.loss = { lost: 0, delayed: 0, doubled: 0 };
    for (const member of members) {
      member.host.resume();
      member.buryTheDead();
      const { current } = member;
      if (current === undefined) continue;
      heal(current);
      current.process.continue();
      if (current.broker === undefined) member.startBroker();
      else current.broker.manners = 'prompt';
    }
    const stays = ({ current }: Member): boolean => current?.stop.signal.aborted === false;
    const isAnybodyThere = members.some(stays);
    for (const member of members) if (random.chance(0.7)) member.start();
    if (!isAnybodyThere && !members.some(stays)) random.pick(members).startAgain();
    cluster.signals.broadcast('resync');
  }

  private strikeOften(name: string): void {
    const { cluster, random, troubles } = this;
    const trouble = troubles[name];
    if (trouble === undefined) return;
    const again = (): void => {
      const inMs = -Math.log(1 - random.next()) * trouble.every * cluster.ttlMs;
      if (cluster.scheduler.nowMs + inMs >= this.stormEndsMs) return;
      cluster.scheduler.after(inMs, () => {
        trouble.strike();
        again();
      });
    };
    again();
  }

  private makeTroubles(operator: Operator): Readonly<Record<string, Trouble>> {
    const { random, cluster } = this;
    const { ttlMs } = cluster;
    const someone = (then: (agent: RunningAgent, member: Member) => void): void => {
      const running = this.members.filter(({ current }) => current !== undefined);
      if (running.length === 0) return;
      const member = random.pick(running);
      if (member.current !== undefined) then(member.current, member);
    };
    const operators = (every: number, ...acts: readonly Act[]): Trouble => ({
      every,
      strike: () => operator.act(random.pick(acts)),
    });
    return {
      'lossy network': { every: 1, strike: () => someone(({ link }) => this.makeLossy(link)) },
      'slow network': {
        every: 2,
        strike: () =>
          someone(({ link }) =>
            this.forAWhile(
              3,
              () => (link.slowness = random.between(5, 80)),
              () => (link.slowness = 1),
            ),
          ),
      },
      'links cut': {
        every: 1,
        strike: () =>
          someone((agent) => {
            this.count('link cut', agent.process.name);
            this.storeAway(
              agent,
              random.pick(['refusing', 'hanging', 'hanging', 'writesFail'] as const),
              (random.chance(0.5) ? random.between(1.1, 2.5) : random.between(0.1, 1)) * ttlMs,
            );
          }),
      },
      ...(cluster.detectsCrashes && {
        'server halves cut': { every: 1, strike: () => someone((agent) => this.cutServerHalf(agent)) },
      }),
      'store away': {
        every: 4,
        strike: () => {
          const way = random.pick(['refusing', 'hanging', 'writesFail'] as const);
          const forMs = random.between(0.1, 2) * ttlMs;
          for (const { current } of this.members) if (current) this.storeAway(current, way, forMs);
        },
      },
      'store restarts': { every: 2, strike: () => this.restartStore() },
      kills: {
        every: 1.5,
        strike: () =>
          someone((agent, member) => {
            this.atTheWorstMoment(agent, () => {
              if (member.current !== agent) return;
              this.count('agent killed', agent.process.name);
              member.kill();
              this.restart(member, random.between(0.02, 3) * ttlMs);
            });
          }),
      },
      pauses: {
        every: 1,
        strike: () =>
          someone((agent) => {
            this.atTheWorstMoment(agent, () => {
              const { process } = agent;
              this.count('agent paused', process.name);
              process.stop();
              cluster.scheduler.after(random.between(0.05, 2.5) * ttlMs, () => process.continue());
            });
          }),
      },
      suspends: {
        every: 2,
        strike: () =>
          someone(({ process }, { host }) => {
            if (this.steppedUnseen.has(process)) return;
            this.count('machine suspended', process.name);
            host.suspend();
            cluster.scheduler.after(random.between(0.05, 2.5) * ttlMs, () => {
              host.resume();
              process.catchUp();
            });
          }),
      },
      stops: {
        every: 2,
        strike: () =>
          someone(({ process }, member) => {
            this.count('agent stopped', process.name);
            member.stop();
            this.restart(member, random.between(0.5, 4) * ttlMs);
          }),
      },
      'wall clocks jump': {
        every: 1.5,
        strike: () => someone((agent, { host }) => this.jumpWallClock(agent, host)),
      },
      'database clock jumps': { every: 2, strike: () => this.jumpDatabaseClock() },
      'signals lost': {
        every: 3,
        strike: () => {
          cluster.signals.loss = { lost: random.next(), delayed: random.next(), doubled: random.next() / 2 };
        },
      },
      topics: operators(1, 'topic deleted', 'topic created', 'partitions added'),
      steering: operators(0.7, 'agent drained', 'move asked', 'release asked', 'balancing paused'),
      'sessions ended': operators(2, 'session end asked'),
      'old writers': operators(0.4, 'stale write'),
      brokers: {
        every: 1,
        strike: () =>
          someone(({ broker, process }, member) => {
            if (broker === undefined) return member.startBroker();
            if (random.chance(0.3)) {
              this.count('broker killed', process.name);
              member.killBroker();
            } else broker.manners = random.pick(['late', 'silent', 'prompt']);
          }),
      },
    };
  }

  /**
   * One that is set back by about as much as its machine sleeps hides that sleep, unless somebody saw the clocks apart in between
   * (docs/proof.md): so a machine whose clock was set back does not sleep before its agent could look, nor is a sleeper's set back.
   */
  private jumpWallClock({ process }: RunningAgent, host: Host): void {
    const { random, cluster } = this;
    this.count('wall clock jumped', process.name);
    if (random.chance(0.5)) return host.jumpWall(random.pick([-1, 1]) * 3_600_000);
    const byMs = random.between(100, 5_000);
    if (!process.isRunning || random.chance(0.5)) return host.jumpWall(byMs);
    host.jumpWall(-byMs);
    this.steppedUnseen.add(process);
    process.timer(seenWithinTtls * cluster.ttlMs, () => this.steppedUnseen.delete(process));
  }

  /** Now, or when something was just sent to the store. */
  private atTheWorstMoment({ link }: RunningAgent, strike: () => void): void {
    if (this.random.chance(0.4)) return strike();
    link.onNextRequest = () => {
      if (this.cluster.scheduler.nowMs < this.stormEndsMs) strike();
    };
  }

  /** While the storm lasts; behind it `clear` decides who comes back. */
  private restart(member: Member, afterMs: number): void {
    const { scheduler } = this.cluster;
    if (scheduler.nowMs + afterMs < this.stormEndsMs) scheduler.after(afterMs, () => member.start());
  }

  private makeLossy(link: RunningAgent['link']): void {
    const { random } = this;
    this.forAWhile(
      2,
      () =>
        (link.loss = { request: random.next() * 0.5, reply: random.next() * 0.5, late: random.next() * 0.4 }),
      () => (link.loss = { request: 0, reply: 0, late: 0 }),
    );
  }

  private forAWhile(ttlsMax: number, begin: () => void, end: () => void): void {
    begin();
    this.cluster.scheduler.after(this.random.between(0.1, ttlsMax) * this.cluster.ttlMs, end);
  }

  private storeAway(agent: RunningAgent, way: 'refusing' | 'hanging' | 'writesFail', forMs: number): void {
    const { link, process } = agent;
    if (way === 'writesFail') {
      this.count('store writes failing', process.name);
      link.writesFail = true;
    } else {
      this.count(way === 'refusing' ? 'store refusing' : 'store hanging', process.name);
      link.road = way;
      if (way === 'refusing') link.cut();
    }
    this.cluster.scheduler.after(forMs, () => heal(agent));
  }

  /** Most often of one that is paused: it cannot hear of it. */
  private cutServerHalf({ link, process }: RunningAgent): void {
    const { random, cluster } = this;
    if (random.chance(0.7)) {
      this.count('agent paused', process.name);
      process.stop();
      cluster.scheduler.after(random.between(0.05, 1.5) * cluster.ttlMs, () => process.continue());
    }
    this.count('server half cut', process.name);
    link.cutServerHalf();
  }

  private restartStore(): void {
    this.count('store restarted', 'store');
    for (const { current } of this.members) current?.link.cut();
    this.cluster.scheduler.after(this.random.between(100, 1_000), () =>
      this.cluster.signals.broadcast('resync'),
    );
  }

  private jumpDatabaseClock(): void {
    const { random, cluster } = this;
    this.count('database clock jumped', 'store');
    const byMs = random.chance(0.5) ? 3_600_000 : random.between(100, 3 * cluster.ttlMs);
    this.databaseAheadMs += random.pick([-1, 1]) * byMs;
  }

  private count(kind: FaultKind, who: string): void {
    this.cluster.faults[kind] += 1;
    this.cluster.note(who, `~ ${kind}`);
  }
}

function heal({ link }: RunningAgent): void {
  link.road = 'open';
  link.writesFail = false;
  link.slowness = 1;
  link.loss = { request: 0, reply: 0, late: 0 };
}
