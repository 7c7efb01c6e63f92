// Fan-out of events: 200 readers of one agent, and how long until the last of them has every event. Server and readers share
// this process, so that the readers' own work is in the figures.
import { type IncomingMessage } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { test } from 'vitest';
import { systemClock } from '../src/platform/clock.ts';
import { startHttpServer } from '../src/http/server.ts';
import { EventAgent } from '../test/http/events-stage.ts';
import { openEvents } from '../test/http/event-reader.ts';
import { report, timed } from './report.ts';
import { instrumentsOver } from '../test/metrics/reading.ts';

const readerCount = 200;
const rounds = 10;

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

test('events to many readers', async () => {
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
  const thousand = await measured(1_000, rounds);
  const tenThousand = await measured(10_000, 3);
  delay.disable();
  report(`${readerCount} readers, from the event to the last reader's socket`, [
    { what: '1 event', ms: one },
    { what: '1,000 events at once', ms: thousand },
    { what: '10,000 events at once', ms: tenThousand },
  ]);
  const median = thousand.toSorted((a, b) => a - b)[rounds / 2] ?? Number.NaN;
  const perSecond = Math.round((1_000 * readerCount) / (median / 1_000));
  process.stdout.write(
    `  ${perSecond.toLocaleString('en')} events/s delivered; longest stall of the event loop in the bursts ${(delay.max / 1e6).toFixed(0)} ms\n`,
  );
  for (const response of responses) response.destroy();
});
