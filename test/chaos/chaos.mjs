// `npm run chaos -- --seconds 300 --seed 7`: faults on real processes in their long form; instead of it `--outage 60`: the store away for
// so many seconds under 20 agents, and `--promotions 50`: failovers of the database.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    outage: { type: 'string' },
    promotions: { type: 'string' },
  },
});
for (const [name, value] of Object.entries(values)) {
  if (/^\d+$/.test(value ?? '')) continue;
  process.stderr.write(`--${name} takes a whole number, not "${value}"\n`);
  process.exit(2);
}

const which =
  values.promotions !== undefined
    ? 'chaos/promotions'
    : values.outage !== undefined
      ? 'chaos/outage'
      : 'chaos/storm';
// Not by npx, which passes no signal on.
const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url));
const child = spawn(process.execPath, [vitest, 'run', '--config', 'vitest.load.config.ts', which], {
  stdio: 'inherit',
  env: { ...process.env, LOAD_ARGUMENTS: JSON.stringify({ lanes: '2', ...values }) },
});
// Who ends this, ends the run: it leaves no agent behind.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code) => {
  process.exitCode = code ?? 1;
});
