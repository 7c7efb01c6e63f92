// A client and the fake agent beside it, with what the tests of the client ask of both.
import { StreamhouseClient, type StreamhouseClientOptions, type Term } from '../../src/client/client.ts';
import { ManualClock } from '../coordination/manual-clock.ts';
import { eventually } from '../support/eventually.ts';
import { type FakeAgent, startFakeAgent } from './fake-agent.ts';

export interface Pair extends AsyncDisposable {
  readonly agent: FakeAgent;
  readonly client: StreamhouseClient;
  /** Every term that `run` began, in order. */
  readonly terms: Term[];
  /** The latest term of a partition, once it is there; `count`: of so many. */
  readonly term: (topic: string, partition: number, count?: number) => Promise<Term>;
}

export interface PairOptions extends Omit<StreamhouseClientOptions, 'url'> {
  /** Before the client comes. */
  readonly prepare?: (agent: FakeAgent) => void;
  /** Instead of keeping terms in `terms` alone. */
  readonly onTerm?: (term: Term) => unknown;
  /** Without any callback for terms. */
  readonly idle?: boolean;
}

/** Connected and trusted, unless `prepare` saw to it that it is not. */
export async function startPair({
  prepare,
  onTerm,
  idle = false,
  ...options
}: PairOptions = {}): Promise<Pair> {
  const agent = await startFakeAgent();
  prepare?.(agent);
  const client = new StreamhouseClient({ closeTimeoutMs: 500, ...options, url: agent.url });
  const terms: Term[] = [];
  const record = (term: Term): unknown => {
    terms.push(term);
    return onTerm?.(term);
  };
  const running = idle ? Promise.resolve() : client.run({ onTerm: record });
  return {
    agent,
    client,
    terms,
    term: (topic, partition, count = 1) =>
      eventually(
        () => {
          const own = terms.filter((each) => each.topic === topic && each.partition === partition);
          return own.length >= count && own.at(-1);
        },
        { what: `term ${count} of ${topic}/${partition}` },
      ),
    async [Symbol.asyncDispose]() {
      await closed(client, options.clock);
      await running;
      await agent[Symbol.asyncDispose]();
    },
  };
}

async function closed(client: StreamhouseClient, clock: PairOptions['clock']): Promise<void> {
  const state = { isClosed: false };
  const close = async (): Promise<void> => {
    await client.close();
    state.isClosed = true;
  };
  const closing = close();
  // Under a manual clock nobody else lets the time of closing pass.
  if (clock instanceof ManualClock) while (!state.isClosed) await clock.advance(100);
  await closing;
}

/** The agent's beats until it is disposed of; real time, for tests that look at other things than time. */
export function beating(agent: FakeAgent): Disposable {
  const timer = setInterval(() => agent.beat(), 100);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** Callbacks of a signal, to see that it fires in the same turn. */
export function firedBy(signal: AbortSignal): { readonly reason: () => unknown } {
  let reason: unknown;
  signal.addEventListener('abort', () => {
    reason = signal.reason;
  });
  return { reason: () => reason };
}

export function segment(id: string, baseOffset: number, endOffset = baseOffset) {
  const recordCount = endOffset - baseOffset + 1;
  return { id, baseOffset, endOffset, recordCount, sizeBytes: 10, bucket: 'b', key: `k/${id}` };
}
