// The harness itself: a mutant that does nothing would prove nothing.
import { describe, expect, inject, test } from 'vitest';
import { join } from './cast.ts';
import { Stage } from './stage.ts';

describe.each(inject('postgresTargets').map(({ name, url }) => [name, url] as const))('%s', (_name, url) => {
  test('a mutant whose words are not in the statement is an error', async () => {
    const edits = [{ statement: 'heartbeat', find: /no such words/, replace: '' }];
    await using stage = await Stage.open(url, { name: 'is misspelt', edits });
    const store = await stage.store('store');
    const session = await join(store, 'a');
    await expect(store.heartbeat(session)).rejects.toThrow(/"is misspelt": .* is not in heartbeat/);
  });

  test('a mutant whose statement never runs is an error', async () => {
    const edits = [{ statement: 'heart_beat', find: /update/, replace: 'update' }];
    await using stage = await Stage.open(url, { name: 'is misplaced', edits });
    const store = await stage.store('store');
    const session = await join(store, 'a');
    await store.heartbeat(session);
    expect(() => stage.assertMutated()).toThrow(/"is misplaced": statement heart_beat never ran/);
  });
});
