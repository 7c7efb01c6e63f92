// What `top` shows and what its keys do, without a terminal.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { happened } from '../../src/cli/top/happenings.ts';
import { keysOf } from '../../src/cli/top/keys.ts';
import type { ClusterLook, Size, TopModel } from '../../src/cli/top/model.ts';
import { extentsOf, render } from '../../src/cli/top/render.ts';
import { pressed, withinExtents } from '../../src/cli/top/view.ts';
import { look, model, viewed } from './top-model.ts';

const text = (shown: TopModel, size: Size): string =>
  render(shown, size)
    .map((line) => line.text.trimEnd())
    .join('\n');

describe('top at', () => {
  test.each([
    ['80x24', { columns: 80, rows: 24 }],
    ['200x50', { columns: 200, rows: 50 }],
    ['40x10', { columns: 40, rows: 10 }],
    ['12x3', { columns: 12, rows: 3 }],
  ])('%s', (_name, size) => {
    expect(text(model, size)).toMatchSnapshot();
  });

  test('80x24 while the agent is away, a filter is typed, and with its help', () => {
    const size = { columns: 80, rows: 24 };
    const away = {
      ...model,
      nowMs: 9_000,
      outage: 'no agent answers at http://127.0.0.1:7070 (ECONNREFUSED)',
    };
    expect(text(away, size)).toMatchSnapshot('away');
    expect(text(viewed({ filter: 'broker-2', isFiltering: true }), size)).toMatchSnapshot('filter');
    expect(text(viewed({ showsHelp: true }), size)).toMatchSnapshot('help');
  });

  test('any size has as many lines as the terminal rows, none wider than it, whatever names are', () => {
    const sizes = fc.record({
      columns: fc.integer({ min: 1, max: 220 }),
      rows: fc.integer({ min: 1, max: 70 }),
    });
    const focus = fc.constantFrom('agents', 'partitions', 'events');
    fc.assert(
      fc.property(sizes, focus, fc.string(), fc.string(), (size, pane, zone, filter) => {
        const agents = look.agents.map((each) => ({ ...each, zone: `${zone}\u001b[2J` }));
        const shown = { ...viewed({ focus: pane, filter }), look: { ...look, agents } };
        const lines = render(shown, size);
        expect(lines).toHaveLength(size.rows);
        for (const line of lines) {
          expect(Array.from(line.text).length).toBeLessThanOrEqual(size.columns);
          expect(line.text).not.toContain('\u001b');
        }
      }),
    );
  });

  test('a long topic name keeps its end, where the partition is', () => {
    const leases = look.leases.map((lease) => ({ ...lease, topic: `${'x'.repeat(240)}-tail` }));
    expect(text({ ...model, look: { ...look, leases } }, { columns: 80, rows: 24 })).toMatch(/…x+-tail\/0 /);
  });
});

describe('a key', () => {
  const size = { columns: 80, rows: 24 };
  const press = (keys: string, from: TopModel = model): TopModel => {
    let shown = from;
    for (const key of keysOf(keys)) {
      const view = pressed(shown.view, key, extentsOf(shown, size));
      if (view === null) throw new Error('it was left');
      shown = { ...shown, view: withinExtents(view, extentsOf({ ...shown, view }, size)) };
    }
    return shown;
  };
  const partitions = (shown: TopModel): string[] =>
    Array.from(
      text(shown, { columns: 80, rows: 60 }).matchAll(/^orders\/(\d+)/gm),
      ([, number]) => number ?? '',
    );

  test.each(['q', '\u0003', '\u0004'])('%j leaves', (key) => {
    expect(pressed(model.view, keysOf(key)[0] ?? 'up', extentsOf(model, size))).toBeNull();
  });

  test('tab goes around the panes, both ways', () => {
    expect(press('\t').view.focus).toBe('partitions');
    expect(press('\t\t\t').view.focus).toBe('agents');
    expect(press('\u001b[Z').view.focus).toBe('events');
  });

  test('s sorts by the next column and r turns it around; partitions are in the order of their numbers', () => {
    expect(partitions(model)).toEqual([...look.leases.keys()].map(String));
    expect(partitions(press('\tr'))).toEqual([...look.leases.keys()].map(String).toReversed());
    expect(partitions(press('\ts'))[0]).toBe('5');
    expect(partitions(press('\tsr')).at(-1)).toBe('5');
  });

  test('/ filters while one types, Enter keeps it, Esc clears it; q is a letter meanwhile', () => {
    expect(partitions(press('/broker-2'))).toEqual(['9', '10', '11']);
    expect(press('/q').view.filter).toBe('q');
    expect(press('/bx\u007f\r').view).toMatchObject({ filter: 'b', isFiltering: false });
    expect(press('/b\u001b').view).toMatchObject({ filter: '', isFiltering: false });
    expect(press('/b\r').view.filter).toBe('b');
    expect(press('/b\r\u001b').view.filter).toBe('');
  });

  test('arrows and pages scroll, and stop at both ends', () => {
    const rows = extentsOf(model, size).partitions;
    const last = rows.rowCount - rows.height;
    expect(press('\t\u001b[B').view.panes.partitions.scrolled).toBe(Math.min(1, last));
    expect(press('\t\u001b[6~\u001b[6~\u001b[6~').view.panes.partitions.scrolled).toBe(last);
    expect(press('\t\u001bOF\u001b[A').view.panes.partitions.scrolled).toBe(Math.max(0, last - 1));
    expect(press('\t\u001b[A').view.panes.partitions.scrolled).toBe(0);
  });

  test('p freezes and ? shows the help, until another', () => {
    expect(press('p').view.isFrozen).toBe(true);
    expect(press('p ').view.isFrozen).toBe(false);
    expect(press('?').view.showsHelp).toBe(true);
    expect(press('?x').view.showsHelp).toBe(false);
  });

  test('bytes that are no key do nothing', () => {
    expect(keysOf('\u001b[200~\u001b[1;5C\u0001')).toEqual([]);
    expect(keysOf('a\u001b')).toEqual([{ typed: 'a' }, 'escape']);
  });
});

describe('what has happened between two looks', () => {
  const changed = (change: Partial<ClusterLook>): string[] => happened(look, { ...look, ...change });

  test('is nothing when only time has passed', () => {
    expect(changed({ askedAtMs: 2_000, agents: look.agents.map((a) => ({ ...a, expiresInMs: 1 })) })).toEqual(
      [],
    );
  });

  test('names agents, the coordinator, a pause and partitions', () => {
    const [first, second] = look.agents;
    if (first === undefined || second === undefined) throw new Error('two agents');
    expect(
      changed({
        agents: [
          { ...first, state: 'draining' },
          { ...second, agentId: 'b9' },
        ],
      }),
    ).toEqual([
      'agent broker-1: active → draining',
      'agent b9 is new: active',
      'agent broker-2 is gone',
      'agent broker-3 is gone',
    ]);
    expect(changed({ status: { ...look.status, coordinator: null } })).toEqual([
      'nobody is coordinator (was broker-1)',
    ]);
    expect(changed({ rebalance: { ...look.rebalance, paused: false } })).toEqual(['balancing goes on']);
    const leases = look.leases.map((l) => (l.partition === 5 ? { ...l, agentId: 'broker-2', epoch: 7 } : l));
    expect(changed({ leases })).toEqual(['orders/5: nobody → broker-2, epoch 7']);
  });

  test('counts what is too much to name', () => {
    const leases = Array.from({ length: 50 }, (_, partition) => ({
      topic: 'new',
      partition,
      agentId: 'broker-1',
    }));
    const events = changed({ leases });
    expect(events).toHaveLength(21);
    expect(events.at(-1)).toBe('and 30 more partitions');
  });
});
