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
  /** Leads the ten thousand partitions of `bulk`. */
  readonly many: AgentProcess;
  /** How long things took, to be read by people. */
  readonly measures: string[] = [];
  readonly #manyStore: SharedStore;

  private constructor(browser: Browser, shared: SharedStore) {
    this.browser = browser;
    this.group = new LiveGroup(shared);
    this.guarded = new GuardedAgent();
    this.#manyStore = sqliteStore();
    this.many = new AgentProcess('broker-1', this.#manyStore.env);
  }

  static async start(chromium: ChromiumBinary, shared: SharedStore): Promise<ConsoleSite> {
    const site = new ConsoleSite(await launchChromium(chromium), shared);
    try {
      await Promise.all([
        site.group.start(),
        site.guarded
          .start()
          .then((agent) => agent.ask('POST', '/v1/topics', { name: 'orders', partitionCount: 2 })),
        site.#leadMany(),
      ]);
      return site;
    } catch (error) {
      await site[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #leadMany(): Promise<void> {
    await this.many.active();
    await mustDo(this.many, 'POST', '/v1/topics', { name: 'bulk', partitionCount: 10_000 });
    await eventually(async () => (await this.many.held()).length === 10_000, {
      what: 'all of bulk to be led',
    });
  }

  measured(what: string, ms: number): void {
    this.measures.push(`${what} ${Math.round(ms)} ms`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.browser.close();
    await Promise.all([this.group, this.guarded, this.many].map((each) => each[Symbol.asyncDispose]()));
    await this.#manyStore[Symbol.asyncDispose]();
  }
}
