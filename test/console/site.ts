// Everything the tests of the page share: one Chromium, the group of three, the guarded agent, and one with ten thousand partitions.
import type { Browser } from 'playwright-core';
import { AgentProcess, type SharedStore, sqliteStore } from '../e2e/cluster.ts';
import type { ChromiumBinary } from '../support/chromium.ts';
import { eventually } from '../support/eventually.ts';
import { launchChromium } from './browser.ts';
import { LiveGroup, mustDo } from './group.ts';
import { GuardedAgent } from './guarded-agent.ts';

export class ConsoleSite implements AsyncDisposable {
  readonly browser: Browser;
  readonly group: LiveGroup;
  readonly guarded: GuardedAgent;
  /** How long things took, to be read by people. */
  readonly measures: string[] = [];
  readonly #manyStore = sqliteStore();
  #many: AgentProcess | undefined;

  private constructor(browser: Browser, shared: SharedStore) {
    this.browser = browser;
    this.group = new LiveGroup(shared);
    this.guarded = new GuardedAgent();
  }

  static async start(chromium: ChromiumBinary, shared: SharedStore): Promise<ConsoleSite> {
    const site = new ConsoleSite(await launchChromium(chromium), shared);
    try {
      await Promise.all([
        site.group.start(),
        site.guarded
          .start()
          .then((agent) => agent.ask('POST', '/v1/topics', { name: 'orders', partitionCount: 2 })),
      ]);
      return site;
    } catch (error) {
      await site[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Leads the ten thousand partitions of `bulk`; started for whoever asks first. */
  async many(): Promise<string> {
    if (this.#many === undefined) {
      this.#many = new AgentProcess('broker-1', this.#manyStore.env);
      await this.#many.active();
      await mustDo(this.#many, 'POST', '/v1/topics', { name: 'bulk', partitionCount: 10_000 });
    }
    const agent = this.#many;
    await eventually(async () => (await agent.held()).length === 10_000, { what: 'all of bulk to be led' });
    return agent.baseUrl();
  }

  measured(what: string, ms: number): void {
    this.measures.push(`${what} ${Math.round(ms)} ms`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.browser.close();
    await Promise.all([
      this.group[Symbol.asyncDispose](),
      this.guarded[Symbol.asyncDispose](),
      this.#many?.[Symbol.asyncDispose](),
    ]);
    await this.#manyStore[Symbol.asyncDispose]();
  }
}
