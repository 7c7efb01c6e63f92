// The guardian, a process of its own (see guardian.ts). Input, a line each: `+PID` and `-PID` begin and end a process's watch,
// `dPATH` names the directory to remove, `d` none. The end of the input is the end of the demo.
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);

const pids = new Set<number>();
let directory = '';

for await (const line of createInterface({ input: process.stdin })) {
  const rest = line.slice(1);
  if (line.startsWith('+')) pids.add(Number(rest));
  else if (line.startsWith('-')) pids.delete(Number(rest));
  else directory = rest;
}

for (const pid of pids) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
if (directory !== '') rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
