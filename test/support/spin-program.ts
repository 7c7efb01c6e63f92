// Spin, and the C compiler that what it generates needs.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { findDebian, type Found, type Search } from './debian-programs.ts';

const spin = 'usr/bin/spin';

/** How to call spin, proven to run here beside a C compiler and its preprocessor, which it calls itself. */
export async function findSpin(search: Search = {}): Promise<Found<string>> {
  for (const compiler of ['gcc', 'cpp']) {
    try {
      await promisify(execFile)(compiler, ['--version']);
    } catch {
      return { outcome: 'not_there', reason: `there is no ${compiler}` };
    }
  }
  // It needs nothing else to run; it would bring a compiler along.
  const wanted = { name: 'spin', packages: ['spin'], alone: true, programs: [spin], proof: ['-V'] };
  const answer = await findDebian(wanted, search);
  if (answer.outcome === 'not_there') return answer;
  return { outcome: 'found', found: answer.found.locate(spin) };
}
