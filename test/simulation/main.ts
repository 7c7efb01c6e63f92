// `npm run simulate -- --seeds 10000`: many seeds on several threads; `--forever`: until it is stopped; `--seed 1234 --trace`: one,
// with everything that happens. Exits with 1 when a claim did not hold.
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { askedFor, parsed, wholeNumber } from '../support/command-line.ts';
import { Totals, violationReport } from './report.ts';
import { type Outcome, simulate } from './run.ts';

/** A thread's seeds: from this one on, in steps, to that one or without end. */
const shareOf = z.object({ from: z.number(), step: z.number(), to: z.number().optional() });
type Share = z.infer<typeof shareOf>;

/** How often it tells how far it is, milliseconds. */
const tellEveryMs = 30_000;

const usage = `npm run simulate -- [--seeds N] [--from N] [--threads N] [--forever]
  whole clusters on simulated time (docs/proof.md): 1,000 seeds from 1 on, on 2 threads if not said; --forever: until it is stopped
npm run simulate -- --seed N [--trace]
  one seed again; --trace: with everything that happens`;

if (isMainThread) await main();
else await work(shareOf.parse(workerData));

async function main(): Promise<void> {
  const asked = askedFor({ command: 'npm run simulate', usage: () => usage, read });
  if ('seed' in asked) return one(asked.seed, asked.isTraced);
  return many(asked.from, asked.to, asked.threads);
}

type Asked =
  | { readonly seed: number; readonly isTraced: boolean }
  | { readonly from: number; readonly to: number | undefined; readonly threads: number };

function read(args: string[]): Asked {
  const { values } = parsed({
    args,
    options: {
      seed: { type: 'string' },
      trace: { type: 'boolean', default: false },
      seeds: { type: 'string', default: '1000' },
      from: { type: 'string', default: '1' },
      forever: { type: 'boolean', default: false },
      threads: { type: 'string', default: '2' },
    },
  });
  if (values.seed !== undefined) {
    return { seed: wholeNumber('seed', values.seed), isTraced: values.trace };
  }
  const from = wholeNumber('from', values.from);
  const to = values.forever ? undefined : from + wholeNumber('seeds', values.seeds) - 1;
  return { from, to, threads: wholeNumber('threads', values.threads, 1) };
}

async function one(seed: number, isTraced: boolean): Promise<void> {
  const outcome = await simulate(seed, isTraced ? { onEvent: say } : {});
  const totals = new Totals();
  totals.add(outcome);
  say(`${violationReport(outcome)}\ntrace ${outcome.traceHash}`);
  process.exitCode = totals.failed.length > 0 ? 1 : 0;
}

async function many(from: number, to: number | undefined, threads: number): Promise<void> {
  const totals = new Totals();
  const telling = setInterval(
    () => say(`${totals.seeds} seeds, ${totals.failed.length} failed`),
    tellEveryMs,
  );
  const workers = Array.from({ length: threads }, (_, lane) => {
    const share: Share = { from: from + lane, step: threads, ...(to !== undefined && { to }) };
    return new Worker(fileURLToPath(import.meta.url), { workerData: share });
  });
  // Asked, not terminated: the database's driver ends the process when its thread is taken away in the middle of a call.
  const stop = (): void => {
    // A thread has no origin to be named, which the rule does not know.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin
    for (const worker of workers) worker.postMessage('stop');
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  await Promise.all(
    workers.map(
      (worker) =>
        new Promise<void>((resolve, reject) => {
          worker.on('message', (outcome: Outcome) => {
            totals.add(outcome);
            if (outcome.violation !== undefined) say(violationReport(outcome));
          });
          worker.once('error', reject);
          worker.once('exit', () => resolve());
        }),
    ),
  );
  clearInterval(telling);
  say(totals.summary());
  process.exitCode = totals.failed.length > 0 ? 1 : 0;
}

async function work({ from, step, to = Number.POSITIVE_INFINITY }: Share): Promise<void> {
  const stopped = new AbortController();
  parentPort?.once('message', () => stopped.abort());
  // Listening must not keep a thread alive that has done its share.
  parentPort?.unref();
  for (let seed = from; seed <= to && !stopped.signal.aborted; seed += step) {
    tell(await simulate(seed));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function tell(outcome: Outcome): void {
  // A thread's port has no origin to be named, which the rule does not know.
  // oxlint-disable-next-line unicorn/require-post-message-target-origin
  parentPort?.postMessage(outcome);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
