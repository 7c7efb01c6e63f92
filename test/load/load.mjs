// `npm run load -- --seconds 60 --seed 7`: the load run in its long form; instead of it `--kills 50`: kills of agents,
// `--broker-kills 20`: kills of brokers, `--placement`: what changes of a cluster of ten move, and `--restore`: the commands of
// docs/backup-and-restore.md, which need pg_basebackup, pg_dump, psql and sqlite3.
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    lanes: { type: 'string', default: '2' },
    kills: { type: 'string' },
    'broker-kills': { type: 'string' },
    placement: { type: 'boolean' },
    restore: { type: 'boolean' },
  },
});
for (const [name, value] of Object.entries(values)) {
  if (value === true || /^\d+$/.test(value ?? '')) continue;
  process.stderr.write(`--${name} takes a whole number, not "${value}"\n`);
  process.exit(2);
}

const { kills, 'broker-kills': brokerKills, placement, restore } = values;
const which = restore
  ? 'load/restore'
  : placement
    ? 'load/placement'
    : kills !== undefined
      ? 'load/kills'
      : brokerKills !== undefined
        ? 'load/broker-kills'
        : 'load/faults';
const passed = { ...values, kills: kills ?? brokerKills };
const child = spawn('npx', ['vitest', 'run', '--config', 'vitest.load.config.ts', which], {
  stdio: 'inherit',
  env: { ...process.env, LOAD_ARGUMENTS: JSON.stringify(passed) },
});
child.on('exit', (code) => {
  process.exitCode = code ?? 1;
});
