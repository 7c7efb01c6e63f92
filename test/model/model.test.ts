// The protocol's models in model/, as far as seconds reach; `npm run model` asks everything. Where there is no spin, the closing line says so.
import { describe, expect, test } from 'vitest';
import { findSpin } from '../support/spin-program.ts';
import { questions } from './catalogue.ts';
import { verify } from './verify.ts';

const spin = await findSpin();

test('a run without spin says why', ({ task }) => {
  if (spin.outcome === 'found') return;
  expect(spin.reason).not.toBe('');
  task.meta.suiteNotRun = { name: 'the model in Promela', reason: spin.reason };
});

describe.each(spin.outcome === 'found' ? [spin.found] : [])('by %s', (program) => {
  test.each(questions.filter(({ isQuick }) => isQuick))('$file $defines $expected', async (question) => {
    const { found } = await verify(program, question, { memoryMbMax: 1_500 });
    expect(found).toBe(question.expected);
  });
});
