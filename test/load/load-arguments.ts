// The arguments of a long run, as test/load/load.ts and test/chaos/chaos.ts pass them on.
import { z } from 'zod';

const whole = z.string().transform(Number).pipe(z.int());
const form = z.object({
  seconds: whole,
  seed: whole,
  lanes: whole,
  kills: whole.default(50),
  outage: whole.default(60),
  promotions: whole.default(50),
});

export function loadArguments(): z.infer<typeof form> {
  const given = process.env['LOAD_ARGUMENTS'];
  return form.parse(given === undefined ? { seconds: '60', seed: '1', lanes: '2' } : JSON.parse(given));
}

export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
