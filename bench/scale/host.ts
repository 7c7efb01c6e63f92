// The process that hosts agents: starts and stops them, and tells what they cost.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Logger } from '../../src/platform/logger.ts';
import { type Running, runAgent } from './hosted-agent.ts';
import type { Answered, Asked, Question, Usage } from './messages.ts';
import { countStatements, statementCounts } from './statement-counts.ts';

/** Agents of one process that connect at a time: each makes three connections in a row, on a machine that all of them share. */
const startingMax = 4;
const nsPerMs = 1e6;

const running = new Map<string, Running>();
const warnings: Record<string, number> = {};
const delay = monitorEventLoopDelay({ resolution: 5 });

const log: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: (_, message) => count(message),
  error: (_, message) => count(message),
  child: () => log,
};

function count(message: string): void {
  warnings[message] = (warnings[message] ?? 0) + 1;
}

countStatements();
delay.enable();
process.on('message', (asked: Asked) => void answer(asked));
// The bench is gone: so are its agents.
process.on('disconnect', () => process.exit());

async function answer({ id, question }: Asked): Promise<void> {
  let answered: Answered = { id };
  try {
    await obey(question);
    if (question.ask === 'usage') answered = { id, usage: usage() };
  } catch (error) {
    answered = { id, failure: error instanceof Error ? error.message : String(error) };
  }
  process.send?.(answered);
}

async function obey(question: Question): Promise<void> {
  switch (question.ask) {
    case 'start':
      return start(question);
    case 'stop': {
      const stopped = [...running.values()].map((each) => each.stop());
      running.clear();
      await Promise.all(stopped);
      return;
    }
    case 'usage':
  }
}

async function start({ hosting, agents }: Extract<Question, { ask: 'start' }>): Promise<void> {
  const waiting = [...agents];
  const lane = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const hosted = runAgent(hosting, next, log);
      running.set(next.agentId, hosted);
      while (hosted.agent.status().state !== 'active') await pause();
    }
  };
  await Promise.all(Array.from({ length: startingMax }, lane));
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}

function usage(): Usage {
  const { user, system } = process.cpuUsage();
  const lag = {
    p50: delay.percentile(50) / nsPerMs,
    p99: delay.percentile(99) / nsPerMs,
    max: delay.max / nsPerMs,
  };
  delay.reset();
  return {
    pid: process.pid,
    statements: statementCounts(),
    cpuMs: (user + system) / 1_000,
    rssBytes: process.memoryUsage.rss(),
    lag,
    active: [...running.values()].filter(({ agent }) => agent.status().state === 'active').length,
    warnings: { ...warnings },
  };
}
