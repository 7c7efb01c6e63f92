// The store that the fuzz test runs against: put back in order after each change, so that the next request finds something to meet, and
// compared, so that a refused one is seen to have changed nothing.
import * as fc from 'fast-check';
import { COORDINATOR, partitionKey } from '../../src/domain/lease.ts';
import { isDeepStrictEqual } from 'node:util';
import { cursor } from './arbitraries.ts';
import { type Fixture, registerAgent, startFixture } from './fixture.ts';

const topicsMax = 6;
/** A high watermark may be advanced as far as it likes; behind this one there is little room left. */
const highWatermarkMax = 2 ** 40;

export class FuzzWorld implements AsyncDisposable {
  readonly http: Fixture;
  /** The term under which the agent holds `t/0`. */
  #epoch = 0;
  #highWatermark = 0;
  /** As last read; undefined since something changed. */
  #contents: unknown;

  constructor(http: Fixture) {
    this.http = http;
  }

  static async start(backend: 'postgres' | 'sqlite'): Promise<FuzzWorld> {
    const world = new FuzzWorld(await startFixture({ backend }));
    await world.mend();
    return world;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.http[Symbol.asyncDispose]();
  }

  /** Whether everything is as it was when last looked at. */
  async isUnchanged(): Promise<boolean> {
    const before = this.#contents;
    this.#contents = await this.http.contents();
    return before === undefined || isDeepStrictEqual(before, this.#contents);
  }

  /** Makes what requests hope for: topic `t`, its partition 0 led and written to, a group with an offset, a live and a dead agent. */
  async mend(): Promise<void> {
    const { store, agent } = this.http;
    const topics = (await store.listTopics({ limit: 100 })).items.map(({ name }) => name);
    const tooFar = ((await store.getPartition('t', 0))?.highWatermark ?? 0) > highWatermarkMax;
    for (const name of topics) {
      const isSuperfluous = topics.length > topicsMax && name !== 't';
      if (isSuperfluous || (tooFar && name === 't')) await store.deleteTopic(name);
    }
    if (tooFar || !topics.includes('t')) {
      await store.createTopic({ name: 't', partitionCount: 2, retentionMs: null, config: {} });
    }
    if (agent.sessionId === null) throw new Error('the agent has no session');
    const { outcomes } = await store.acquireLeases(agent.sessionId, [partitionKey('t', 0), COORDINATOR]);
    const ofPartition = outcomes.find(({ key }) => key.kind === 'partition');
    if (ofPartition !== undefined && 'epoch' in ofPartition) this.#epoch = ofPartition.epoch;
    await store.commitOffsets('cg', [{ topic: 't', partition: 0, offset: 0, metadata: null }]);
    if ((await store.getAgent('agent-2')) === undefined) {
      await store.endSession(await registerAgent(store, 'agent-2'), 'deregistered');
    }
    // One more that moves can go to.
    if (!(await store.getAgent('agent-3'))?.sessionId) await registerAgent(store, 'agent-3', []);
    await store.setPlacement('agent-3', 'open');
    this.#highWatermark = (await store.getPartition('t', 0))?.highWatermark ?? 0;
    this.#contents = await this.http.contents();
  }

  /** Values by the names of parameters and fields. Some are read when a request is made, because they move. */
  hints(): Readonly<Record<string, fc.Arbitrary<unknown>>> {
    const moving = (value: () => unknown) => fc.constant(undefined).map(value);
    const near = fc.integer({ min: -2, max: 12 }).map((n) => Math.max(0, this.#highWatermark + n));
    const names = fc.constantFrom('t', 't', 't', 'u', 'coordinator');
    return {
      name: names,
      topic: names,
      group: fc.constantFrom('cg', 'cg', 'cg', 'cg2'),
      agentId: fc.constantFrom('agent-1', 'agent-2', 'agent-3'),
      agent: fc.constantFrom('agent-1', 'agent-3'),
      candidate: fc.constantFrom('c1', 'c2'),
      partition: fc.constantFrom(0, 0, 0, 1, 7),
      partitionCount: fc.integer({ min: 1, max: 4 }),
      waitMs: fc.integer({ min: 0, max: 5 }),
      epoch: fc.oneof({ weight: 3, arbitrary: moving(() => this.#epoch) }, fc.constantFrom(0, 2 ** 32)),
      id: fc.constantFrom('s1', 's2', 's3', 's4'),
      baseOffset: fc.oneof({ weight: 3, arbitrary: moving(() => this.#highWatermark) }, near),
      endOffset: near,
      offset: fc.oneof(
        fc.constant(0),
        moving(() => this.#highWatermark),
        near,
      ),
      before: near,
      from: near,
      limit: fc.constantFrom(1, 2, 10_000),
      cursor,
    };
  }
}
