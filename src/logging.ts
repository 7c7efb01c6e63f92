// The log: pino, one JSON object a line, or pretty on a terminal. Secrets are removed wherever an error could carry them.
import { inspect } from 'node:util';
import { pino } from 'pino';
import pretty from 'pino-pretty';
import type { Logger } from './platform/logger.ts';

export interface LogOptions {
  readonly level: string;
  readonly format: 'json' | 'pretty';
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Masks what a URL hides: up to the last @ of the word, because passwords come with @ in them, and secret parameters. */
function withoutSecrets(text: string): string {
  return text
    .replace(/(\w:\/\/[^\s:/?#@]*:)\S*@/g, '$1***@')
    .replace(/([?&][^\s=&#]*(?:pass|pwd|secret|token|key)[^\s=&#]*=)[^\s&]*/gi, '$1***');
}

/** Errors as fields: what they say and where from, their causes in short, and never a statement's parameters. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return withoutSecrets(typeof error === 'string' ? error : inspect(error));
  const { name, message, stack, cause } = error;
  const code = 'code' in error ? error.code : undefined;
  return {
    type: name,
    message: withoutSecrets(message),
    ...(code !== undefined && { code }),
    ...(cause !== undefined && {
      cause: withoutSecrets(cause instanceof Error ? cause.message : inspect(cause)),
    }),
    // Expected failures are told by their message; a stack is for defects.
    ...(isDefect(name) && stack !== undefined && { stack: withoutSecrets(stack) }),
  };
}

function isDefect(name: string): boolean {
  return (
    name !== 'StoreUnavailable' && name !== 'StoreMisconfigured' && name !== 'Refusal' && name !== 'NameTaken'
  );
}

export interface AdjustableLogger extends Logger {
  /** From the next line on, in this log and in all its children. */
  setLevel(level: string): void;
  flush(): void;
}

export function createLogger(options: LogOptions): AdjustableLogger {
  const stream =
    options.format === 'pretty'
      ? pretty({ colorize: true, ignore: 'pid,hostname,group', translateTime: 'SYS:HH:MM:ss.l', sync: true })
      : pino.destination({ dest: 1, sync: true });
  let threshold = severityOf(options.level);
  const log = pino(
    {
      // Ours is the threshold: pino's is copied into each child when it is made, and could not be changed for all of them.
      level: 'trace',
      hooks: {
        logMethod(args, method, severity) {
          if (severity >= threshold) method.apply(this, args);
        },
      },
      base: options.fields,
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: describeError },
      redact: { paths: ['password', 'token', 'authorization', '*.password', '*.token', '*.authorization'] },
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  );
  return Object.assign(log, {
    setLevel: (level: string): void => {
      threshold = severityOf(level);
    },
  });
}

function severityOf(level: string): number {
  return pino.levels.values[level] ?? Number.POSITIVE_INFINITY;
}
