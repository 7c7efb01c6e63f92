// Fan-out of events: 200 readers of one agent, and how long until the last of them has every event. Server and readers share
// this process, so that the readers' own work is in the figures.
import { type IncomingMessage } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { systemClock } from '../src/platform/clock.ts';
import { startHttpServer } from '../src/http/server.ts';
import { EventAgent } from '../test/http/events-stage.ts';
import { openEvents } from '../test/http/event-reader.ts';
import type { Stage } from './bench.ts';
import { rowOf } from './harness/findings.ts';
import { medianOf } from './harness/percentiles.ts';
import { timed } from './harness/rounds.ts';
import { instrumentsOver } from '../test/metrics/reading.ts';

const readerCount = 200;

/** Counts events without understanding them: id, event, data and an empty line each. */
class Counter {
  private lines = 0;
  private goal = 0;
  private reached: (() => void) | undefined;

  constructor(response: IncomingMessage) {
    response.on('data', (bytes: Buffer) => {
      for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) this.lines += 1;
      if (this.lines >= this.goal * 4) this.reached?.();
    });
  }

  /** Resolves when so many events have come since the beginning. */
  async until(events: number): Promise<void> {
    this.goal = events;
    if (this.lines >= events * 4) return;
    await new Promise<void>((resolve) => {
      this.reached = resolve;
    });
  }
}

export async function measureEvents({ rounds, findings }: Stage): Promise<void> {
  const agent = new EventAgent(20_000);
  // No beats: every event that comes is one that was appended.
  agent.trust(0);
  const silent = { debug: () => undefined, info: () => undefined, error: () => undefined };
  await using server = await startHttpServer(
    { agent, clock: systemClock, instruments: instrumentsOver(), log: silent, version: '1' },
    { host: '127.0.0.1', port: 0, allowedHosts: [] },
  );
  const responses = await Promise.all(Array.from({ length: readerCount }, () => openEvents(server.port)));
  const counters = responses.map((response) => new Counter(response));
  // Each has had its snapshot.
  await Promise.all(counters.map((counter) => counter.until(1)));

  const delay = monitorEventLoopDelay({ resolution: 1 });
  const fanOut = async (events: number): Promise<number> => {
    const { last } = agent.journal;
    const { ms } = await timed(async () => {
      agent.granted(events);
      await Promise.all(counters.map((counter) => counter.until(1 + last + events)));
    });
    return ms;
  };
  const measured = async (events: number, count: number): Promise<number[]> => {
    const times: number[] = [];
    for (let round = 0; round < count; round++) times.push(await fanOut(events));
    return times;
  };
  await measured(1_000, 2);
  const one = await measured(1, 100);
  delay.enable();
  const thousand = await measured(1_000, 2 * rounds);
  const tenThousand = await measured(10_000, rounds);
  delay.disable();
  const perSecond = (1_000 * readerCount) / (medianOf(thousand) / 1_000);
  findings.add({
    title: `${readerCount} readers of events, from the event to the last reader's socket`,
    rows: [
      rowOf('1 event', one),
      rowOf('1,000 events at once', thousand),
      rowOf('10,000 events at once', tenThousand),
    ],
    values: [
      { what: 'events delivered', amount: Math.round(perSecond), unit: 'per second' },
      { what: 'longest stall of the event loop in the bursts', amount: delay.max / 1e6, unit: 'ms' },
    ],
  });
  for (const response of responses) response.destroy();
}
