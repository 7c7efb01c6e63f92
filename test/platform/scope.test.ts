// A scope ends with its parent or by itself, and leaves nothing behind on the parent.
import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { Scope } from '../../src/platform/scope.ts';

test('a scope ends with its parent, for the same reason', () => {
  const parent = new AbortController();
  const scope = new Scope(parent.signal);
  parent.abort('over');
  expect(scope.signal.aborted).toBe(true);
  expect(scope.signal.reason).toBe('over');
});

test('a scope of a parent that is over has never begun', () => {
  expect(new Scope(AbortSignal.abort()).signal.aborted).toBe(true);
});

test('a scope that ends by itself leaves its parent alone', () => {
  const parent = new AbortController();
  const scope = new Scope(parent.signal);
  scope.end('enough');
  expect(scope.signal.reason).toBe('enough');
  expect(parent.signal.aborted).toBe(false);
});

test('no listener is left on the parent, whether a scope is ended, disposed of, or ended twice', () => {
  const { signal } = new AbortController();
  for (let round = 0; round < 3; round += 1) {
    const ended = new Scope(signal);
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    ended.end();
    ended.end();
    using disposed = new Scope(signal);
    expect(disposed.signal.aborted).toBe(false);
  }
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
});
