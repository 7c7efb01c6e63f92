#!/usr/bin/env node
// The entry: the command line, and the daemon's life in the process: signals, exit codes, last words.
import { schemaAdmin, startAgent } from './app.ts';
import { runCli } from './cli/program.ts';
import { ConfigError } from './config/config-error.ts';
import { loadConfig } from './config/config.ts';
import { createLogger } from './logging.ts';

const exitOk = 0;
const exitError = 1;
const exitConfiguration = 78;

/** What a person must mend is told in one sentence, without a stack. */
const configurationErrors = new Set(['ConfigError', 'StoreMisconfigured', 'NameTaken']);

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

async function runAgent(args: readonly string[]): Promise<number> {
  let loaded: ReturnType<typeof loadConfig>;
  try {
    loaded = loadConfig(args, process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    say(`streamhouse agent: ${error.message}`);
    return exitConfiguration;
  }
  if (loaded.outcome === 'print') {
    process.stdout.write(loaded.text);
    return exitOk;
  }
  const { config } = loaded;
  const { settings } = config;
  const log = createLogger({
    level: settings.LOG_LEVEL,
    format: settings.LOG_FORMAT ?? (process.stdout.isTTY ? 'pretty' : 'json'),
    fields: { agentId: settings.AGENT_ID, group: settings.AGENT_GROUP },
  });
  for (const warning of config.warnings) log.warn({}, warning);

  const stop = new AbortController();
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stop.signal.aborted) {
      log.warn({ signal }, 'second signal: stopping at once');
      process.exit(exitError);
    }
    log.info({ signal }, 'stopping: handing over; a second signal stops at once');
    stop.abort();
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  // The default would end the daemon; reloading comes with tokens and certificates.
  process.on('SIGHUP', () => log.info({}, 'nothing to reload'));
  // A daemon beside a broker does not end because of one stray rejection: it is a defect, said loudly.
  process.on('unhandledRejection', (error) => log.error({ err: error }, 'unhandled rejection'));

  try {
    const running = await startAgent(config, log, stop.signal);
    await running.done;
    log.info({}, 'stopped');
    return exitOk;
  } catch (error) {
    const misconfigured = error instanceof Error && configurationErrors.has(error.name);
    if (misconfigured) say(`streamhouse agent: ${error.message}`);
    else if (isListenError(error)) say(`streamhouse agent: ${listenHint(error, settings.HTTP_PORT)}`);
    else log.error({ err: error }, 'agent failed');
    return misconfigured || isListenError(error) ? exitConfiguration : exitError;
  }
}

function isListenError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error && error.syscall === 'listen';
}

function listenHint(error: NodeJS.ErrnoException, port: number): string {
  if (error.code === 'EADDRINUSE') {
    return `HTTP_PORT=${port} is in use; stop what listens there, or choose another (0 picks a free one)`;
  }
  return `cannot listen (HTTP_HOST, HTTP_PORT): ${error.message}`;
}

const interrupted = new AbortController();
const args = process.argv.slice(2);
// The agent has its own way to stop.
if (args[0] !== 'agent') {
  process.once('SIGINT', () => interrupted.abort());
  process.once('SIGTERM', () => interrupted.abort());
}

process.exitCode = await runCli(args, {
  stdout: process.stdout,
  stderr: process.stderr,
  stdin: process.stdin,
  env: process.env,
  isTty: process.stdout.isTTY,
  signal: interrupted.signal,
  runAgent,
  runDemo: async (demoArgs) => (await import('./demo/demo.ts')).runDemo(demoArgs, interrupted.signal),
  agentHelp: () => {
    const help = loadConfig(['--help'], {});
    return help.outcome === 'print' ? help.text : '';
  },
  db: {
    migrate: async (url, options) => ({ applied: await schemaAdmin(url, options).migrate() }),
    status: async (url, options) => schemaAdmin(url, options).schemaStatus(),
  },
});
