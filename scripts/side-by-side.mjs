// Runs npm scripts of this project side by side and shows what each has said once it has ended: `node scripts/side-by-side.mjs lint types`.
// Exits with 1 when one has failed, after all have ended: every complaint is seen at once.
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

/** @param {string} name */
async function run(name) {
  const child = spawn('npm', ['run', '--silent', name], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise((resolve) => child.once('close', resolve));
  const [said, complained, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  process.stdout.write(said);
  process.stderr.write(complained);
  if (code !== 0) process.stderr.write(`npm run ${name}: failed\n`);
  return code === 0;
}

const succeeded = await Promise.all(process.argv.slice(2).map(run));
process.exitCode = succeeded.every(Boolean) ? 0 : 1;
