// `debug bundle`: what whoever helps will ask for, in one file, without secrets.
import { writeFile } from 'node:fs/promises';
import { release } from 'node:os';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Command } from 'commander';
import { systemClock } from '../../platform/clock.ts';
import { connect } from '../api.ts';
import { askAll, type Part } from '../bundle/parts.ts';
import { Redaction } from '../bundle/redact.ts';
import { tarOf } from '../bundle/tar.ts';
import { addCommand, addGroup, connectionOptions } from '../command.ts';
import { connectionOf } from '../connection.ts';
import type { CliContext } from '../context.ts';
import { exitCode } from '../exit-code.ts';
import { CliFailure } from '../failure.ts';
import { Progress } from '../progress.ts';
import { formatTable, type Column } from '../table.ts';
import { programVersion } from '../version.ts';

const columns: readonly Column<Part>[] = [
  { header: 'PART', value: ({ file }) => file },
  { header: 'BYTES', value: ({ text }) => text && Buffer.byteLength(text), align: 'right' },
  { header: 'TOOK', value: ({ tookMs }) => `${tookMs}ms`, align: 'right' },
  { header: 'FAILURE', value: ({ failure }) => failure?.message },
];

export function addDebugCommands(program: Command, context: CliContext): void {
  const debug = addGroup(program, 'debug', {
    summary: 'Collect what helps to find out what is wrong',
    examples: ['debug bundle', 'debug bundle /tmp/broker-1.tar.gz --url http://broker-1:7070'],
  });
  const bundle = addCommand(debug, 'bundle', {
    summary: 'Collect status, agents, leases, plan, metrics and health of the group into one .tar.gz',
    details:
      'Passwords in URLs, tokens, and values of metadata and topic configs whose keys look secret are taken out. A part that ' +
      'cannot be had is left out and listed (exit code 0). A file that is there is not written over.',
    examples: ['debug bundle', 'debug bundle /tmp/broker-1.tar.gz --timeout 30s'],
  }).argument('[file]', 'what to write (default: streamhouse-debug-TIME.tar.gz, here)');
  for (const option of connectionOptions()) bundle.addOption(option);
  bundle.action(async (file: string | undefined, _options: unknown, command: Command) => {
    await collect(context, command, file);
  });
}

async function collect(context: CliContext, command: Command, file: string | undefined): Promise<void> {
  const { token } = connectionOf(command, context.deps.env);
  const redaction = new Redaction(token === undefined ? [] : [token]);
  const api = connect(context, command);
  const began = new Date(systemClock.wallMs());
  const parts = await ask(context, () => askAll(api, redaction));
  // Nobody there is an answer by itself, and a file without anything would only look like one.
  const [first] = parts;
  if (first?.failure !== undefined && parts.every(({ failure }) => failure !== undefined))
    throw first.failure;

  const name = `streamhouse-debug-${began.toISOString().replaceAll(/[:.]/g, '-')}`;
  const path = file ?? `${name}.tar.gz`;
  const about = {
    url: redaction.text(api.url),
    began: began.toISOString(),
    ended: new Date(systemClock.wallMs()).toISOString(),
    program: programVersion(),
    node: process.version,
    platform: `${process.platform} ${process.arch} ${release()}`,
    parts: parts.map(({ file: part, at, tookMs, failure }) => ({
      part,
      at,
      tookMs,
      failure: failure === undefined ? null : redaction.text(failure.message),
    })),
  };
  const entries = [
    { name: `${name}/collected.json`, content: Buffer.from(`${JSON.stringify(about, undefined, 2)}\n`) },
    ...parts.flatMap(({ file: part, text }) =>
      text === undefined ? [] : [{ name: `${name}/${part}`, content: Buffer.from(text) }],
    ),
  ];
  await writeNew(path, await promisify(gzip)(tarOf(entries, began.getTime())));
  await context.printer.data(`${formatTable(columns, parts)}\nwrote ${path}\n`);
  const missing = parts.filter(({ failure }) => failure !== undefined).length;
  if (missing > 0) await context.printer.message(`${missing} of ${parts.length} parts could not be had\n`);
}

async function ask<T>(context: CliContext, work: () => Promise<T>): Promise<T> {
  await using progress = new Progress(context);
  await progress.tell('asking the agent');
  return await work();
}

/** Readable for its owner alone: what it says of the cluster is not for everybody. */
async function writeNew(path: string, bytes: Buffer): Promise<void> {
  try {
    await writeFile(path, bytes, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EEXIST') {
      throw new CliFailure(
        exitCode.conflict,
        `${path} is there already, and is not written over; name another file`,
      );
    }
    const reason = error instanceof Error ? error.message : String(error);
    throw new CliFailure(exitCode.error, `the bundle could not be written: ${reason}`);
  }
}
