// A process that hosts agents, as the bench sees it.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Answered, HostedAgent, Hosting, Question, Usage } from './messages.ts';

export class HostingProcess {
  readonly zone: string;
  readonly agents: readonly HostedAgent[];
  private readonly hosting: Hosting;
  private child: ChildProcess | undefined;
  private readonly waiting = new Map<number, PromiseWithResolvers<Answered>>();
  private asked = 0;

  constructor(hosting: Hosting, zone: string, agents: readonly HostedAgent[]) {
    this.hosting = hosting;
    this.zone = zone;
    this.agents = agents;
  }

  get isRunning(): boolean {
    return this.child !== undefined;
  }

  /** Resolves when all its agents are active. */
  async start(): Promise<void> {
    if (this.child === undefined) this.spawn();
    await this.ask({ ask: 'start', hosting: this.hosting, agents: this.agents });
  }

  /** All its agents hand over; the process stays. */
  async stopAgents(): Promise<void> {
    await this.ask({ ask: 'stop' });
  }

  async usage(): Promise<Usage> {
    const { usage } = await this.ask({ ask: 'usage' });
    if (usage === undefined) throw new Error('no usage was told');
    return usage;
  }

  /** As the machine's end would: no goodbye. */
  async kill(): Promise<void> {
    const { child } = this;
    if (child === undefined) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  private spawn(): void {
    const program = fileURLToPath(new URL('./host.js', import.meta.url));
    const child = fork(program, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.child = child;
    child.on('message', (answered: Answered) => {
      this.waiting.get(answered.id)?.resolve(answered);
      this.waiting.delete(answered.id);
    });
    child.once('exit', () => {
      this.child = undefined;
      for (const each of this.waiting.values()) each.reject(new Error('the process that hosts agents ended'));
      this.waiting.clear();
    });
  }

  private async ask(question: Question): Promise<Answered> {
    const { child } = this;
    if (child === undefined) throw new Error('the process that hosts agents does not run');
    const id = this.asked++;
    const answer = promiseWithResolvers<Answered>();
    this.waiting.set(id, answer);
    child.send({ id, question });
    const answered = await answer.promise;
    if (answered.failure !== undefined) throw new Error(answered.failure);
    return answered;
  }
}

interface PromiseWithResolvers<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: Error) => void;
}

function promiseWithResolvers<T>(): PromiseWithResolvers<T> {
  let settle: Pick<PromiseWithResolvers<T>, 'resolve' | 'reject'> | undefined;
  const promise = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject };
  });
  if (settle === undefined) throw new Error('a promise begins at once');
  return { promise, ...settle };
}
