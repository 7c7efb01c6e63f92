#!/usr/bin/env node
// The entry: the command line, and the daemon's life in the process: signals, exit codes, last words.
import type { RunningAgent } from './app.ts';
import { runCli } from './cli/program.ts';
import { ConfigError } from './config/config-error.ts';
import { loadConfig } from './config/config.ts';
import type { createLogger } from './logging.ts';

// Loaded when it is needed: a command that asks an agent waits for neither the stores nor the server.
const app = () => import('./app.ts');
const storeTools = () => import('./app/store-tools.ts');

const exitOk = 0;
const exitError = 1;
const exitConfiguration = 78;

/** What a person must mend is told in one sentence, without a stack. */
const configurationErrors = new Set(['ConfigError', 'StoreMisconfigured', 'NameTaken', 'ListenFailed']);

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
  const [{ startAgent }, { createLogger }] = await Promise.all([app(), import('./logging.ts')]);
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
  let running: RunningAgent | undefined;
  process.on('SIGHUP', () => reload(args, log, running));
  // A daemon beside a broker does not end because of one stray rejection: it is a defect, said loudly.
  process.on('unhandledRejection', (error) => log.error({ err: error }, 'unhandled rejection'));

  try {
    running = await startAgent(config, log, stop.signal);
    await running.done;
    log.info({}, 'stopped');
    return exitOk;
  } catch (error) {
    const misconfigured = error instanceof Error && configurationErrors.has(error.name);
    if (misconfigured) say(`streamhouse agent: ${error.message}`);
    else log.error({ err: error }, 'agent failed');
    return misconfigured ? exitConfiguration : exitError;
  }
}

/** Reads all settings anew, as at the start: all or nothing, and an agent that runs goes on with what it has. */
function reload(
  args: readonly string[],
  log: ReturnType<typeof createLogger>,
  running: RunningAgent | undefined,
): void {
  if (running === undefined) {
    log.info({}, 'nothing to reload: the agent is only starting');
    return;
  }
  try {
    const loaded = loadConfig(args, process.env);
    if (loaded.outcome === 'print') return;
    const { applied, pending } = running.reload(loaded.config);
    log.setLevel(loaded.config.settings.LOG_LEVEL);
    for (const warning of loaded.config.warnings) log.warn({}, warning);
    log.info({ applied }, applied.length === 0 ? 'reloaded: nothing has changed' : 'reloaded');
    if (pending.length > 0) log.warn({ pending }, 'changed, but in force only after a restart');
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    log.error({ problem: error.message }, 'not reloaded: everything stays as it was');
  }
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
    migrate: async (url, options) => ({ applied: await (await app()).schemaAdmin(url, options).migrate() }),
    status: async (url, options) => (await app()).schemaAdmin(url, options).schemaStatus(),
    grants: async (options) => (await app()).grantsSql(options),
    copy: async (from, to, options) => (await storeTools()).copy(from, to, options),
    fence: async (url, options) => (await storeTools()).fence(url, options),
    doctor: async (url, options) => (await storeTools()).doctor(url, options),
  },
});
