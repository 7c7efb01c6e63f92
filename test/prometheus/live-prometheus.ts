// A Prometheus of our own: the rules of this project, a port of its own, its data in a temporary directory that goes with it.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { z } from 'zod';
import { eventually } from '../support/eventually.ts';
import { Program } from '../support/program.ts';
import type { PrometheusBinaries } from '../support/prometheus-binaries.ts';

/** Milliseconds between two scrapes, and between two evaluations of the rules. */
export const scrapeMs = 500;

const rules = fileURLToPath(new URL('../../prometheus/rules/streamhouse.yml', import.meta.url));

const labels = z.record(z.string(), z.string());
const value = z
  .string()
  .transform((text) => (text === 'NaN' ? NaN : Number(text.replace('Inf', 'Infinity'))));
const instantForm = z.array(z.object({ metric: labels, value: z.tuple([z.number(), value]) }));
const rangeForm = z.array(z.object({ metric: labels, values: z.array(z.tuple([z.number(), value])) }));
const ruleForm = z.object({
  name: z.string(),
  health: z.string(),
  lastEvaluation: z.string().transform((text) => Date.parse(text)),
});
const rulesForm = z.object({ groups: z.array(z.object({ rules: z.array(ruleForm) })) });

/** A series of an answer, and its values in order. */
export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly values: readonly number[];
}

export class LivePrometheus implements AsyncDisposable {
  private readonly program: Program;
  private readonly directory: string;
  private readonly url: string;

  private constructor(program: Program, directory: string, url: string) {
    this.program = program;
    this.directory = directory;
    this.url = url;
  }

  /** `targets`: host and port of each agent. */
  static async start(binaries: PrometheusBinaries, targets: readonly string[]): Promise<LivePrometheus> {
    const directory = mkdtempSync(join(tmpdir(), 'streamhouse-prometheus-'));
    const file = join(directory, 'prometheus.yml');
    const every = `${scrapeMs}ms`;
    writeFileSync(
      file,
      stringify({
        global: { scrape_interval: every, scrape_timeout: every, evaluation_interval: every },
        rule_files: [rules],
        scrape_configs: [{ job_name: 'streamhouse-agent', static_configs: [{ targets }] }],
      }),
    );
    const args = [
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(directory, 'data')}`,
      '--web.listen-address=127.0.0.1:0',
      '--log.format=json',
    ];
    const program = new Program(
      spawn(binaries.prometheus, args, { stdio: ['ignore', 'pipe', 'pipe'] }),
      args,
    );
    const address = await eventually(
      () => /"address":"(127\.0\.0\.1:(?!0")\d+)"/.exec(program.stderrLines.join('\n'))?.[1],
      {
        what: 'Prometheus to listen',
      },
    );
    const started = new LivePrometheus(program, directory, `http://${address}`);
    await eventually(async () => (await fetch(`${started.url}/-/ready`)).ok, {
      what: 'Prometheus to be ready',
    });
    return started;
  }

  /** The values at one moment, Unix seconds; now by default. Rejects when the query is not well formed. */
  async at(query: string, time = Date.now() / 1000): Promise<Series[]> {
    const found = instantForm.parse(await this.result('query', { query, time: String(time) }));
    return found.map(({ metric, value }) => ({ labels: metric, values: [value[1]] }));
  }

  /** From the first moment to the last, Unix seconds. */
  async during(query: string, start: number, end: number, stepSeconds: number): Promise<Series[]> {
    const parameters = { query, start: String(start), end: String(end), step: String(stepSeconds) };
    const found = rangeForm.parse(await this.result('query_range', parameters));
    return found.map(({ metric, values }) => ({ labels: metric, values: values.map(([, each]) => each) }));
  }

  async labelValues(label: string, selector: string, start: number, end: number): Promise<string[]> {
    const parameters = { 'match[]': selector, start: String(start), end: String(end) };
    return z.array(z.string()).parse(await this.ask(`label/${label}/values`, parameters));
  }

  async rules(): Promise<z.infer<typeof ruleForm>[]> {
    return rulesForm.parse(await this.ask('rules', {})).groups.flatMap((group) => group.rules);
  }

  private async result(path: string, parameters: Record<string, string>): Promise<unknown> {
    return z.object({ result: z.unknown() }).parse(await this.ask(path, parameters)).result;
  }

  private async ask(path: string, parameters: Record<string, string>): Promise<unknown> {
    const response = await fetch(`${this.url}/api/v1/${path}?${new URLSearchParams(parameters).toString()}`);
    const body = z
      .object({ status: z.string(), error: z.string().optional(), data: z.unknown() })
      .parse(await response.json());
    if (body.status !== 'success')
      throw new Error(`${body.error ?? body.status}: ${parameters['query'] ?? path}`);
    return body.data;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program[Symbol.asyncDispose]();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
