// The contract of the schema: made once however many start at once, and never used by a program it is too new for.
import { expect, test } from 'vitest';
import type { Backend } from './backend.ts';
import { expectMisconfigured, topic } from './samples.ts';

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
    expect(await schema.schemaStatus()).toEqual({ applied: before.pending, pending: [], minCompatible: 1 });
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

  test('migrations of a newer program that still allows ours are no hindrance', async () => {
    const database = await backend.emptyDatabase();
    await database.schema.migrate();
    await database.sql("insert into schema_migrations (name) values ('9999_from_the_future')");
    const store = await database.open({ migrate: true });
    await store.createTopic(topic('orders'));
    expect((await database.schema.schemaStatus()).applied).toContain('9999_from_the_future');
  });
}
