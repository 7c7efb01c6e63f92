// DESIGN 3.3, all at once: agents that take, give up and lose overlapping sets of leases in orders of their own. What each
// rule holds is proved one by one elsewhere; here nothing is arranged but the seed, and everything is watched.
import { type LeaseKey, leaseKeyText, type Term } from '../../../src/domain/lease.ts';
import type { MetadataStore } from '../../../src/store/metadata-store.ts';
import { allOrders, createOrders, granted, join, topic } from './cast.ts';
import { differences, rule, type Scenario } from './rule.ts';
import type { Stage } from './stage.ts';

const agentCount = 8;
const leaseCount = 200;
const rounds = 12;

/** A small seeded generator (mulberry32), so that the sets and their orders are the same in every run. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function shuffled<T>(items: readonly T[], next: () => number): T[] {
  return items
    .map((item) => ({ item, at: next() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

/**
 * Who believes to hold what. A grant is noted when its answer arrives, the end of a term before it is asked for: so two
 * beliefs at once mean two holders at once, and epochs arrive in the order of their grants.
 */
class Referee {
  readonly violations: string[] = [];
  private readonly holders = new Map<string, string>();
  private readonly epochs = new Map<string, number>();

  granted(agentId: string, terms: readonly Term[]): void {
    for (const { key, epoch } of terms) {
      const lease = leaseKeyText(key);
      const holder = this.holders.get(lease);
      const last = this.epochs.get(lease) ?? 0;
      if (holder !== undefined)
        this.violations.push(`${lease} was granted to ${agentId} while ${holder} held it`);
      if (epoch <= last) this.violations.push(`${lease} was granted at epoch ${epoch} after ${last}`);
      this.holders.set(lease, agentId);
      this.epochs.set(lease, epoch);
    }
  }

  givesUp(terms: readonly Term[]): void {
    for (const { key } of terms) this.holders.delete(leaseKeyText(key));
  }
}

class Agent {
  readonly id: string;
  private readonly store: MetadataStore;
  private readonly referee: Referee;
  private readonly next: () => number;
  private sessionId = '';
  private held: Term[] = [];

  constructor(id: string, store: MetadataStore, referee: Referee, seed: number) {
    this.id = id;
    this.store = store;
    this.referee = referee;
    this.next = random(seed);
  }

  async join(): Promise<void> {
    this.sessionId = await join(this.store, this.id);
  }

  async round(keys: readonly LeaseKey[], round: number): Promise<void> {
    await this.acquire(shuffled(keys, this.next).slice(0, leaseCount / 2));
    const terms = shuffled(this.held, this.next);
    if (round % 4 === 3) return this.startAnew();
    await this.release(terms.slice(0, Math.ceil(terms.length * this.next())));
  }

  async acquire(keys: readonly LeaseKey[]): Promise<number> {
    const answer = await this.store.acquireLeases(this.sessionId, shuffled(keys, this.next));
    const terms = granted(answer);
    this.referee.granted(this.id, terms);
    this.held.push(...terms);
    return answer.outcomes.filter(({ outcome }) => outcome === 'busy').length;
  }

  async heldInStore(): Promise<number> {
    return (await this.store.heldLeases(this.sessionId)).terms.length;
  }

  private async release(terms: readonly Term[]): Promise<void> {
    this.held = this.held.filter((term) => !terms.includes(term));
    this.referee.givesUp(terms);
    await this.store.releaseLeases(this.sessionId, terms, 'released');
  }

  private async startAnew(): Promise<void> {
    this.referee.givesUp(this.held);
    this.held = [];
    await this.store.endSession(this.sessionId, 'deregistered');
    await this.join();
  }
}

/** Terms of one lease that are not over when the next begins; and leases whose history says another last epoch than they. */
async function brokenHistories(stage: Stage): Promise<number> {
  return stage.number(`
    with terms as (
      select h.*, lead(acquired_at) over later as next_acquired_at, lead(epoch) over later as next_epoch
      from lease_history h window later as (partition by name, partition order by epoch))
    select count(*) from terms t join leases l using (group_name, kind, name, partition)
    where (t.next_epoch is not null and (t.ended_at is null or t.ended_at > t.next_acquired_at))
      or (t.next_epoch is null and t.epoch <> l.epoch)`);
}

const overlappingSets: Scenario = async (stage) => {
  const referee = new Referee();
  const keys = allOrders(leaseCount);
  const agents = await Promise.all(
    Array.from({ length: agentCount }, async (_, i) => {
      const store = await stage.store(`agent ${i}`, { poolMax: 2 });
      if (i === 0) await createOrders(store, leaseCount);
      return new Agent(`agent-${i}`, store, referee, i + 1);
    }),
  );
  await Promise.all(agents.map((agent) => agent.join()));
  await Promise.all(
    agents.map(async (agent) => {
      for (let round = 0; round < rounds; round++) await agent.round(keys, round);
    }),
  );
  // At the end all want everything, until nothing is busy any more.
  await Promise.all(
    agents.map(async (agent) => {
      while ((await agent.acquire(keys)) > 0);
    }),
  );
  const held = await Promise.all(agents.map((agent) => agent.heldInStore()));
  return [
    ...referee.violations,
    ...differences(
      {
        heldByAll: held.reduce((sum, each) => sum + each, 0),
        led: await stage.number(`select count(*) from leases l join sessions s using (session_id)
          where s.ended_at is null and l.name = '${topic}'`),
        brokenHistories: await brokenHistories(stage),
      },
      { heldByAll: leaseCount, led: leaseCount, brokenHistories: 0 },
    ),
  ];
};

rule('overlapping sets in any order: no deadlock, one holder each, epochs that rise', overlappingSets);
