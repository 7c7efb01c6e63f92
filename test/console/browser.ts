// One Chromium for the tests of a file, and a person's page in it, who is told of everything that goes wrong there.
import process from 'node:process';
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core';
import { expect } from 'vitest';
import type { ChromiumBinary } from '../support/chromium.ts';

/** Long: a wait that is met costs nothing of it. */
const waitMsMax = 20_000;

export async function launchChromium({ path, env }: ChromiumBinary): Promise<Browser> {
  const options = { executablePath: path, env: { ...process.env, ...env } };
  // Chromium refuses its sandbox to root, and has none where a container forbids user namespaces.
  if (process.getuid?.() === 0) return chromium.launch({ ...options, chromiumSandbox: false });
  return chromium
    .launch({ ...options, chromiumSandbox: true })
    .catch(() => chromium.launch({ ...options, chromiumSandbox: false }));
}

export interface VisitOptions extends BrowserContextOptions {
  /** Complaints that the test itself brings about, such as those of a page whose agent it kills. */
  readonly forgiven?: RegExp;
}

/** A page of its own, without memory of others. */
export class Visit {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What the browser and the page complained about, refused styles and scripts included. */
  readonly complaints: string[] = [];
  /** Address of every request. */
  readonly requested: string[] = [];

  private constructor(context: BrowserContext, page: Page) {
    this.context = context;
    this.page = page;
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) this.complaints.push(`console: ${message.text()}`);
    });
    page.on('pageerror', (error) => this.complaints.push(`uncaught: ${error.message}`));
    page.on('request', (request) => this.requested.push(request.url()));
    page.on('requestfailed', (request) => {
      const why = request.failure()?.errorText ?? 'failed';
      // A page that takes a request back, or is left, is at peace with it.
      if (why !== 'net::ERR_ABORTED') this.complaints.push(`${request.method()} ${request.url()}: ${why}`);
    });
  }

  static async begin(browser: Browser, options: BrowserContextOptions): Promise<Visit> {
    const context = await browser.newContext(options);
    context.setDefaultTimeout(waitMsMax);
    return new Visit(context, await context.newPage());
  }
}

/**
 * Opens `address`, lets the test do what it does there, and checks what every visit must keep: nothing went wrong in the page, and
 * nothing was asked of anyone but its agent.
 */
export async function visit(
  browser: Browser,
  address: string,
  act: (page: Page, visit: Visit) => Promise<unknown>,
  { forgiven, ...options }: VisitOptions = {},
): Promise<void> {
  const visitor = await Visit.begin(browser, options);
  try {
    await visitor.page.goto(address);
    await act(visitor.page, visitor);
    expect(visitor.complaints.filter((complaint) => forgiven?.test(complaint) !== true)).toEqual([]);
    const { origin } = new URL(visitor.page.url());
    expect(visitor.requested.filter((url) => new URL(url).origin !== origin)).toEqual([]);
  } finally {
    await visitor.context.close();
  }
}
