// The dead man's switch, a process of its own (see deadman.ts). Input, a line each: `pid N` begins the watch of a process group,
// `until MS` says when it must be gone (CLOCK_MONOTONIC), `done` ends it. The end of the input is the end of the campaign.
import { createInterface } from 'node:readline';

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);

let group = 0;
let timer: NodeJS.Timeout | undefined;

function kill(): void {
  if (group === 0) return;
  try {
    process.kill(-group, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

function killAt(untilMs: number): void {
  clearTimeout(timer);
  const restMs = untilMs - Number(process.hrtime.bigint() / 1_000_000n);
  // Node's timers may fire a moment early.
  timer = setTimeout(() => (restMs > 1 ? killAt(untilMs) : kill()), Math.max(0, restMs));
}

for await (const line of createInterface({ input: process.stdin })) {
  const [word, value] = line.split(' ');
  if (word === 'pid') group = Number(value);
  if (word === 'until') killAt(Number(value));
  if (word === 'done') {
    clearTimeout(timer);
    group = 0;
  }
}
clearTimeout(timer);
kill();
