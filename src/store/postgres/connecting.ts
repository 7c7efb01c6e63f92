// A connection in the making. Two bounds, for two kinds of silence: a host that cannot be reached is given up after the usual time, and tried
// again, for then it tells nothing; a server that has taken the connection and not come to it yet is waited for longer each time.
import { StoreUnavailable } from '../../domain/refusal.ts';
import { onLate } from '../../platform/late.ts';
import type { BoundedClient } from './client.ts';
import type { Server, Servers } from './servers.ts';

export interface ConnectingOptions {
  readonly servers: Servers;
  readonly server: Server;
  /** Of being reached, milliseconds; of an answer it is the least. */
  readonly boundMs: number;
  readonly stop?: AbortSignal | undefined;
}

export class Connecting implements Disposable {
  private readonly client: BoundedClient;
  private readonly options: ConnectingOptions;
  private readonly forget: () => void;
  private late: StoreUnavailable | undefined;

  /** Begins when the client does. */
  constructor(client: BoundedClient, options: ConnectingOptions) {
    this.client = client;
    this.options = options;
    const { servers, boundMs, stop } = options;
    const answerMs = servers.patientMs(boundMs);
    const forgetReaching = onLate(boundMs, () => {
      if (!client.isReached) this.giveUp(`was not reached within ${boundMs} ms`);
    });
    const forgetAnswering = onLate(answerMs, () => {
      if (client.isReached) servers.wasSilent(answerMs);
      this.giveUp(`gave no answer within ${answerMs} ms`);
    });
    this.forget = () => {
      forgetReaching();
      forgetAnswering();
    };
    stop?.addEventListener('abort', this.onStop, { once: true });
    if (stop?.aborted === true) this.onStop();
  }

  /** Why it failed: what was late, else what the client says. */
  reason(error: unknown): unknown {
    return this.late ?? error;
  }

  /** Made, or failed. */
  [Symbol.dispose](): void {
    this.forget();
    this.options.stop?.removeEventListener('abort', this.onStop);
  }

  private readonly onStop = (): void => this.giveUp('is not asked any more: we are stopping');

  private giveUp(why: string): void {
    this.late ??= new StoreUnavailable(`${this.options.server.name} ${why}`, { outcomeUnknown: false });
    this.client.cut();
  }
}
