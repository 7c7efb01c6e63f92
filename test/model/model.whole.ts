// `npm run model`: every question, and a table of the answers.
import process from 'node:process';
import { expect, test } from 'vitest';
import { findSpin } from '../support/spin-program.ts';
import { questions } from './catalogue.ts';
import { type Verdict, verify } from './verify.ts';

const memoryMbMax = 12_000;

test('each model holds, and each of its mutants is found', async () => {
  const spin = await findSpin();
  if (spin.outcome !== 'found') throw new Error(`the model was not checked: ${spin.reason}`);
  say(line('model', 'states', 'depth', 'seconds', 'answer'));
  const surprises: string[] = [];
  for (const question of questions) {
    const name = [question.file, ...question.defines].join(' ');
    const verdict = await verify(spin.found, question, { memoryMbMax });
    const { states, depth, seconds, found } = verdict;
    say(line(name, String(states), String(depth), seconds.toFixed(1), answerOf(verdict)));
    if (found !== question.expected) surprises.push(`${name}: ${found}, not ${question.expected}`);
  }
  expect(surprises).toEqual([]);
});

function answerOf({ found, broken }: Verdict): string {
  return found === 'breaks' ? `found: ${broken}` : found;
}

function line(name: string, ...[states, depth, seconds, answer]: [string, string, string, string]): string {
  return `${name.padEnd(46)} ${states.padStart(10)} ${depth.padStart(9)} ${seconds.padStart(8)}  ${answer}`;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
