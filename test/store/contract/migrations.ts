// The contract of the schema: made once however many start at once, and never used by a program it is too new for.
import { expect, test } from 'vitest';
import type { Backend } from './backend.ts';
import { expectMisconfigured, ledPartition, orders, topic } from './samples.ts';

const undoOfColumns = [
  ...['paused_at', 'apply_requested_at', 'applied_at'].map(
    (column) => `alter table agent_groups drop column ${column}`,
  ),
  'alter table assignments drop column home_agent',
];

/** What takes back the migration 0002_placement. */
const undoOfPlacement: Readonly<Record<Backend['name'], readonly string[]>> = {
  postgres: [
    'drop function refuse_lease_loss cascade',
    'drop function raise_to_floor cascade',
    'drop table epoch_floors',
    `create trigger leases_are_never_deleted before delete on leases for each row
      execute function refuse_lease_change()`,
    ...undoOfColumns,
  ],
  sqlite: [
    'drop trigger leases_are_deleted_under_a_floor',
    'drop trigger leases_start_at_the_floor',
    'drop table epoch_floors',
    `create trigger leases_are_never_deleted before delete on leases for each row
      begin select raise(abort, 'never'); end`,
    ...undoOfColumns,
  ],
};

export function migrationContract(backend: Backend): void {
  test('six stores opened at once on an empty database all work', async () => {
    const database = await backend.emptyDatabase();
    const stores = await Promise.all(Array.from({ length: 6 }, () => database.open({ migrate: true })));
    await Promise.all(stores.map((store, i) => store.createTopic(topic(`t${i}`))));
    const [store] = stores;
    expect((await store?.listTopics({ limit: 10 }))?.items).toHaveLength(6);
    const applied = await database.sql('select name from schema_migrations');
    expect(applied).toHaveLength((await database.schema.schemaStatus()).applied.length);
  });

  test('the schema tells what is pending, and migrating applies it once', async () => {
    const { schema } = await backend.emptyDatabase();
    const before = await schema.schemaStatus();
    expect(before).toMatchObject({ applied: [], minCompatible: 0 });
    expect(before.pending).not.toEqual([]);
    expect(await schema.migrate()).toEqual(before.pending);
    expect(await schema.schemaStatus()).toEqual({
      applied: before.pending,
      pending: [],
      minCompatible: 1,
      isHalfCopied: false,
    });
    expect(await schema.migrate()).toEqual([]);
  });

  test('an empty database is refused with the command that fills it, unless told to migrate', async () => {
    const database = await backend.emptyDatabase();
    await expectMisconfigured(database.open({ migrate: false }), /run: streamhouse db migrate/);
    await database.schema.migrate();
    await (await database.open({ migrate: false })).ping();
  });

  test('a database that needs a newer program is refused, and not touched', async () => {
    const database = await backend.emptyDatabase();
    const level = (await database.schema.migrate()).length;
    await database.sql(`update store_info set min_compatible = ${level + 1}`);
    for (const migrate of [true, false]) {
      await expectMisconfigured(database.open({ migrate }), /upgrade/);
    }
    await expectMisconfigured(database.schema.migrate(), /upgrade/);
    await database.sql(`update store_info set min_compatible = ${level}`);
    await (await database.open({ migrate: true })).ping();
  });

  test('a store of the first release is brought up to date with all that is in it', async () => {
    const database = await backend.emptyDatabase();
    await database.schema.migrate();
    const before = await database.open({ migrate: false });
    const { sessionId, fence } = await ledPartition(before);
    // As the first release left it.
    for (const undo of undoOfPlacement[backend.name]) await database.sql(undo);
    await database.sql('alter table leases drop column release_requested_epoch');
    await database.sql('alter table agents drop column placement');
    await database.sql('alter table sessions drop column serving');
    await database.sql('alter table sessions drop column lock_key');
    await database.sql('alter table sessions drop column progress');
    await database.sql('alter table era drop column quarantine_ms');
    await database.sql("delete from schema_migrations where name <> '0000_initial'");

    const later = (await database.schema.schemaStatus()).pending;
    expect(later[0]).toBe('0001_steering');
    expect(await database.schema.migrate()).toEqual(later);
    expect(await database.schema.schemaStatus()).toMatchObject({ pending: [], minCompatible: 1 });
    const store = await database.open({ migrate: false });
    expect(await store.getAgent('a')).toMatchObject({ state: 'active', placement: 'open', sessionId });
    expect((await store.heldLeases(sessionId)).terms).toEqual([
      { key: orders, epoch: fence.epoch, highWatermark: 0, releaseRequested: false },
    ]);
    expect(await store.readRebalance()).toMatchObject({ pausedSince: null, applyRequestedAt: null });
    // What the first release, which knows nothing of it, goes on writing: it names its columns.
    await database.sql(`insert into sessions (session_id, group_name, agent_id, process, ttl_ms, expires_at)
      select '11111111-1111-4111-8111-111111111111', group_name, 'old', process, ttl_ms, expires_at from sessions`);
    expect(await database.sql("select serving from sessions where agent_id = 'old'")).toEqual([
      { serving: 'serving' },
    ]);
  });

  test('migrations of a newer program that still allows ours are no hindrance', async () => {
    const database = await backend.emptyDatabase();
    await database.schema.migrate();
    await database.sql("insert into schema_migrations (name) values ('9999_from_the_future')");
    const store = await database.open({ migrate: true });
    await store.createTopic(topic('orders'));
    expect((await database.schema.schemaStatus()).applied).toContain('9999_from_the_future');
  });
}
