// How long a planned handoff takes beyond what the broker needs: from its acknowledgement to the event that tells the next
// broker. And a graceful stop of an agent whose broker has many partitions to let go of.
import { z } from 'zod';
import { readEvents } from '../src/client/event-source.ts';
import {
  AgentProcess,
  postgresStore,
  type SharedStore,
  sqliteStore,
  untilHeld,
  untilLedBy,
} from '../test/e2e/cluster.ts';
import { eventually } from '../test/support/eventually.ts';
import type { Stage } from './bench.ts';
import { rowOf, type TimeRow } from './harness/findings.ts';
import { timed } from './harness/rounds.ts';

const movesPerRound = 20;
const partitionsOfStop = 1_000;

const leaseData = z.object({ topic: z.string(), partition: z.number(), epoch: z.number() });
type Lease = z.infer<typeof leaseData>;

/** A broker that has nothing to flush: what happens on its agent's stream, and when. */
class Broker implements AsyncDisposable {
  readonly revoked: Lease[] = [];
  /** By epoch: when the grant's event came. */
  readonly grantedMs = new Map<number, number>();
  private readonly agent: AgentProcess;
  private readonly stop = new AbortController();
  private readonly reading: Promise<void>;
  private onRevoke: ((leases: readonly Lease[]) => void) | undefined;
  isOpen = false;

  constructor(agent: AgentProcess) {
    this.agent = agent;
    this.reading = this.read();
  }

  async attached(): Promise<void> {
    await eventually(() => this.isOpen, { what: 'the broker to be attached' });
  }

  /** Acknowledges from now on whatever it is asked for, all that came in one turn together. */
  acknowledgeAll(): void {
    let pending: Lease[] = [];
    this.onRevoke = (leases) => {
      if (pending.length === 0) {
        setImmediate(() => {
          void this.agent.ask('POST', '/v1/held/released', { leases: pending });
          pending = [];
        });
      }
      pending.push(...leases);
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop.abort();
    await this.reading;
  }

  private async read(): Promise<void> {
    const url = `${await this.agent.baseUrl()}/v1/events?attach=broker`;
    try {
      for await (const { event, data } of readEvents(url, { signal: this.stop.signal })) {
        this.isOpen = true;
        if (event === 'lease.granted') {
          this.grantedMs.set(leaseData.parse(JSON.parse(data)).epoch, performance.now());
        }
        if (event !== 'lease.revoking') continue;
        const lease = leaseData.parse(JSON.parse(data));
        this.revoked.push(lease);
        this.onRevoke?.([lease]);
      }
    } catch {
      // The agent stopped, or the bench is over.
    }
  }
}

async function handoffs(store: SharedStore, moves: number): Promise<number[]> {
  await using a = new AgentProcess('a', store.env);
  await using b = new AgentProcess('b', store.env);
  await Promise.all([a.active(), b.active()]);
  await using brokerA = new Broker(a);
  await using brokerB = new Broker(b);
  await Promise.all([brokerA.attached(), brokerB.attached()]);
  await a.ask('POST', '/v1/topics', { name: 'orders', partitionCount: 1 });
  await untilHeld([a, b], [0, 1]);
  const ms: number[] = [];
  let [from, to] = (await a.held()).length === 1 ? [brokerA, brokerB] : [brokerB, brokerA];
  for (let move = 0; move < moves; move += 1) {
    const target = to === brokerA ? 'a' : 'b';
    const seen = from.revoked.length;
    await a.ask('POST', '/v1/leases/orders/0/move', { to: target });
    const lease = await eventually(() => from.revoked[seen], { what: 'the revoke', everyMs: 1 });
    const acknowledgedMs = performance.now();
    const holder = from === brokerA ? a : b;
    await holder.ask('POST', '/v1/held/orders/0/released', { epoch: lease.epoch });
    const grantedMs = await eventually(() => to.grantedMs.get(lease.epoch + 1), {
      what: 'the grant',
      everyMs: 1,
    });
    ms.push(grantedMs - acknowledgedMs);
    [from, to] = [to, from];
  }
  return ms;
}

async function stop(store: SharedStore): Promise<number> {
  await using a = new AgentProcess('a', store.env);
  await a.active();
  await using brokerA = new Broker(a);
  await brokerA.attached();
  await a.ask('POST', '/v1/topics', { name: 'orders', partitionCount: partitionsOfStop });
  await untilHeld([a], [partitionsOfStop]);
  await using b = new AgentProcess('b', { ...store.env, MANAGED_TOPICS: 'none' });
  await using c = new AgentProcess('c', { ...store.env, AGENT_WEIGHT: '1' });
  await Promise.all([b.active(), c.active()]);
  brokerA.acknowledgeAll();
  await untilHeld([a, c], [partitionsOfStop / 2, partitionsOfStop / 2]);
  // All of them, on the agent that will stop.
  await b.ask('POST', '/v1/agents/c/drain');
  await untilLedBy([a], partitionsOfStop);
  await b.ask('POST', '/v1/agents/c/uncordon');
  a.kill('SIGTERM');
  return (await timed(() => untilLedBy([c], partitionsOfStop))).ms;
}

async function measure(rounds: number, makeStore: () => SharedStore): Promise<TimeRow[]> {
  const moved = makeStore();
  const ms = await handoffs(moved, movesPerRound * rounds);
  await moved[Symbol.asyncDispose]();
  const stops: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    await using store = makeStore();
    stops.push(await stop(store));
  }
  return [
    rowOf('handoff: acknowledgement to the next grant’s event', ms),
    rowOf(`SIGTERM, broker attached, ${partitionsOfStop} partitions: all led elsewhere`, stops),
  ];
}

export async function measureHandoffs({ rounds, findings, postgresUrl }: Stage): Promise<void> {
  const url = await postgresUrl();
  findings.add({
    title: 'PostgreSQL: planned handoffs, by processes',
    rows: await measure(rounds, () => postgresStore(url)),
  });
  findings.add({ title: 'SQLite: planned handoffs, by processes', rows: await measure(rounds, sqliteStore) });
}
