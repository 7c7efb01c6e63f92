// The log: pino, one JSON object a line, or pretty on a terminal. Secrets are removed wherever an error could carry them.
import { pino } from 'pino';
import pretty from 'pino-pretty';
import type { Logger } from './platform/logger.ts';

export interface LogOptions {
  readonly level: string;
  readonly format: 'json' | 'pretty';
  readonly fields: Readonly<Record<string, unknown>>;
}

const passwordInUrl = /(\w+:\/\/[^\s:/@]*:)[^\s@]*@/g;

function withoutSecrets(text: string): string {
  return text.replace(passwordInUrl, '$1***@');
}

/** Errors as fields: what they say and where from, their causes in short, and never a statement's parameters. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { name, message, stack, cause } = error;
  const code = 'code' in error ? error.code : undefined;
  return {
    type: name,
    message: withoutSecrets(message),
    ...(code !== undefined && { code }),
    ...(cause !== undefined && {
      cause: withoutSecrets(cause instanceof Error ? cause.message : String(cause)),
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

export function createLogger(options: LogOptions): Logger & { flush(): void } {
  const stream =
    options.format === 'pretty'
      ? pretty({ colorize: true, ignore: 'pid,hostname,group', translateTime: 'SYS:HH:MM:ss.l', sync: true })
      : pino.destination({ dest: 1, sync: true });
  return pino(
    {
      level: options.level,
      base: options.fields,
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: describeError },
      redact: { paths: ['password', 'token', 'authorization', '*.password', '*.token', '*.authorization'] },
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  );
}
