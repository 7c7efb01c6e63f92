// The same compare-and-set as transactions of etcd, where an `etcd` is in PATH: one member on this machine with its data on the disk,
// asked through its JSON gateway over connections that are kept. The gateway adds to what its gRPC would cost.
import { type ChildProcess, spawn } from 'node:child_process';
import { once as emitted } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { Agent, request } from 'undici';
import { z } from 'zod';
import { freePort } from '../../src/platform/free-port.ts';
import { atExit } from '../../test/support/at-exit.ts';
import { eventually } from '../../test/support/eventually.ts';
import type { Findings } from '../harness/findings.ts';
import { forEach, type Load, type Sample, underLoad } from '../harness/rounds.ts';

const answerForm = z.object({
  header: z.object({ revision: z.string() }),
  succeeded: z.boolean().default(false),
});

interface Held {
  readonly key: string;
  readonly revision: string;
}

export class EtcdLeases implements AsyncDisposable {
  private readonly url: string;
  private readonly child: ChildProcess;
  private readonly directory: string;
  private readonly agent = new Agent({ connections: 64 });

  private constructor(url: string, child: ChildProcess, directory: string) {
    this.url = url;
    this.child = child;
    this.directory = directory;
  }

  /** Null, and said in the findings, where there is no etcd. */
  static async start(findings: Findings): Promise<EtcdLeases | null> {
    const program = inPath('etcd');
    if (program === undefined) {
      findings.lacks('etcd', 'no etcd in PATH');
      return null;
    }
    const directory = mkdtempSync(join(tmpdir(), 'streamhouse-bench-etcd-'));
    const url = `http://127.0.0.1:${await freePort()}`;
    const peer = `http://127.0.0.1:${await freePort()}`;
    const places = ['--listen-client-urls', url, '--advertise-client-urls', url, '--listen-peer-urls', peer];
    const cluster = ['--initial-advertise-peer-urls', peer, '--initial-cluster', `default=${peer}`];
    const child = spawn(program, ['--data-dir', directory, ...places, ...cluster], { stdio: 'ignore' });
    atExit(() => child.kill('SIGKILL'));
    const leases = new EtcdLeases(url, child, directory);
    await eventually(() => leases.acquire('ready').then(() => true), { what: 'etcd to answer' });
    return leases;
  }

  async oneByOne(load: Load): Promise<{ acquire: Sample; release: Sample }> {
    let next = 0;
    const held: Held[] = [];
    const acquire = await underLoad(load, () =>
      this.acquire(`orders/${next++}`).then((lease) => held.push(lease)),
    );
    const release = await forEach(held, load.concurrency, (lease) => this.release(lease));
    return { acquire, release };
  }

  /** So many leases, a transaction each; as one operation. */
  async each(count: number, concurrency: number): Promise<{ acquire: Sample; release: Sample }> {
    const held: Held[] = [];
    const keys = Array.from({ length: count }, (_, i) => `orders/${i}`);
    const acquire = await forEach(keys, concurrency, (key) =>
      this.acquire(key).then((lease) => held.push(lease)),
    );
    const release = await forEach(held, concurrency, (lease) => this.release(lease));
    return { acquire: whole(acquire), release: whole(release) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.agent.close();
    if (this.child.exitCode === null) {
      const exited = emitted(this.child, 'exit');
      this.child.kill('SIGKILL');
      await exited;
    }
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Its revision is the fencing token, as our epoch is. */
  private async acquire(key: string): Promise<Held> {
    const revision = await this.transaction({
      compare: [{ key: base64(key), target: 'VERSION', result: 'EQUAL', version: '0' }],
      success: [{ request_put: { key: base64(key), value: base64('session') } }],
    });
    return { key, revision };
  }

  private async release({ key, revision }: Held): Promise<void> {
    await this.transaction({
      compare: [{ key: base64(key), target: 'MOD', result: 'EQUAL', mod_revision: revision }],
      success: [{ request_delete_range: { key: base64(key) } }],
    });
  }

  private async transaction(body: object): Promise<string> {
    const { body: answer } = await request(`${this.url}/v3/kv/txn`, {
      method: 'POST',
      body: JSON.stringify(body),
      dispatcher: this.agent,
    });
    const { succeeded, header } = answerForm.parse(await answer.json());
    if (!succeeded) throw new Error('the compare of a transaction failed');
    return header.revision;
  }
}

function whole({ tookMs }: Sample): Sample {
  return { ms: [tookMs], tookMs };
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

export function inPath(program: string): string | undefined {
  const directories = (process.env['PATH'] ?? '').split(delimiter);
  return directories.map((directory) => join(directory, program)).find((path) => existsSync(path));
}
