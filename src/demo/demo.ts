// `streamhouse demo`: takeovers in one terminal, with a verdict. It speaks to agents and brokers as anybody does, over HTTP, and nothing
// of it stays: agents and brokers are ended by their own ids, the temporary directory is removed; also when the demo fails, is interrupted, or
// is killed with SIGKILL, which is what the guardian is for. Only a failed demo keeps its directory, for its logs.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../platform/clock.ts';
import { Scope } from '../platform/scope.ts';
import { Crew } from './agents.ts';
import { checkAll } from './checks.ts';
import { Guardian } from './guardian.ts';
import { demoHelp, type DemoOptions, describeStore, readOptions } from './options.ts';
import { DemoFailed, Interrupted, type Patience } from './patience.ts';
import { Report } from './report.ts';
import { Stage } from './stage.ts';
import { partitions, playStory, topics } from './story.ts';

const exitOk = 0;
const exitFailed = 1;
const exitUsage = 2;
/** 128 + SIGINT, as shells have it. */
const exitInterrupted = 130;

/** Resolves to the exit code when nothing of the demo is left. */
export async function runDemo(args: string[], signal: AbortSignal): Promise<number> {
  const read = readOptions(args);
  if (read.outcome === 'usage') {
    process.stderr.write(`streamhouse demo: ${read.problem}\n\n${demoHelp}`);
    return exitUsage;
  }
  if (read.outcome === 'help') {
    process.stdout.write(demoHelp);
    return exitOk;
  }
  using scope = new Scope(signal);
  using _ = new Composure(() => scope.end());
  const startedMs = systemClock.monotonicMs();
  const report = new Report(
    (text) => void process.stdout.write(text),
    () => systemClock.monotonicMs() - startedMs,
  );
  return await new Demo(read.options, report, scope).run(); // awaited here: what is `using` must last
}

class Demo {
  private readonly options: DemoOptions;
  private readonly report: Report;
  private readonly directory = mkdtempSync(join(tmpdir(), 'streamhouse-demo-'));
  private readonly guardian = new Guardian();
  private readonly group = `demo-${Date.now().toString(36)}-${randomBytes(3).toString('hex')}`;
  private readonly stage: Stage;

  constructor(options: DemoOptions, report: Report, scope: Scope) {
    this.options = options;
    this.report = report;
    this.guardian.watchDirectory(this.directory);
    const patience: Patience = { clock: systemClock, signal: scope.signal };
    const crew = new Crew(patience, this.guardian, {
      databaseUrl: options.databaseUrl ?? `sqlite:${join(this.directory, 'metadata.db')}`,
      inheritEnvironment: options.databaseUrl !== undefined,
      group: this.group,
      ttlMs: options.ttlMs,
      directory: this.directory,
    });
    this.stage = new Stage(crew, patience, scope, partitions);
  }

  async run(): Promise<number> {
    let code = exitFailed;
    try {
      code = await this.play();
    } catch (error) {
      code = this.explain(this.stage.failure ?? error);
    } finally {
      await this.leaveNothing(code);
    }
    return code;
  }

  private async play(): Promise<number> {
    const { options, report, stage } = this;
    report.plain(
      'StreamHouse demo: three agents share one store, with a broker beside each; one agent is killed. Ctrl-C ends it.',
    );
    report.line(`store: ${describeStore(options.databaseUrl)}; session TTL ${options.ttlMs} ms`);
    const evidence = await playStory(stage, report, options);
    const passed = report.verdict(checkAll(evidence));
    return passed ? exitOk : exitFailed;
  }

  private explain(error: unknown): number {
    if (error instanceof Interrupted) {
      this.report.line('interrupted: stopping agents and brokers');
      return exitInterrupted;
    }
    const isForeseen = error instanceof DemoFailed;
    const text = error instanceof Error && !isForeseen ? (error.stack ?? error.message) : String(error);
    this.report.plain(`demo failed: ${isForeseen ? error.message : text}`);
    return exitFailed;
  }

  private async leaveNothing(code: number): Promise<void> {
    try {
      await this.stage.abandon();
      await this.stage.crew.stopBrokers();
      if (code !== exitFailed && this.options.databaseUrl !== undefined) await this.deleteTopics();
      await this.stage.crew.stop();
      if (code === exitFailed) this.keepLogs();
      else rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 });
    } finally {
      await this.guardian.close(); // with it open we would wait for it, and it for us
    }
  }

  /**
   * In a store that is not ours alone. What stays of the group are rows that are never deleted: leases, which keep their
   * epochs, and the agents, for as long as their retention says.
   */
  private async deleteTopics(): Promise<void> {
    const [run] = this.stage.crew.live();
    for (const { name } of topics) await run?.api.deleteTopic(name);
  }

  private keepLogs(): void {
    this.guardian.forgetDirectory();
    this.report.plain(`logs of agents and brokers, and the segment files: ${this.directory}`);
    if (this.options.databaseUrl !== undefined) this.report.plain(`group in the store: ${this.group}`);
  }
}

/**
 * npm passes a terminal's Ctrl-C on, so that it comes twice, and a closed terminal says SIGHUP: while this stands, none of them ends
 * the process before the demo has cleaned up, which takes a few seconds at most. The caller's own listener has the first Ctrl-C.
 */
class Composure implements Disposable {
  private readonly onSignal: () => void;

  constructor(interrupt: () => void) {
    this.onSignal = interrupt;
    for (const name of signals) process.on(name, this.onSignal);
  }

  [Symbol.dispose](): void {
    for (const name of signals) process.off(name, this.onSignal);
  }
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
