// Another history under the store, which agents notice by themselves, and the quarantine of the era that they open. What PostgreSQL's
// statements compare is broken by statement mutants.
import type { SourceMutant } from '../mutant.ts';

const history = (test: string) => ({ file: 'test/domain/history.test.ts', test });
const era = (test: string) => ({ file: 'test/store/new-era.test.ts', test });
const onPostgres = (rule: string) => ({
  file: 'test/store/postgres/era.test.ts',
  test: `PostgreSQL: ${rule} holds`,
});

const noticed = 'Eras: noticed by themselves';
const remembered = 'Eras: each agent remembers the era and how far the log was written';
const quarantine = 'Quarantine: granted to nobody, except to an agent that trusted it';
const length = 'Quarantine: as long as the longest TTL of the sessions that ended, and of the opener’s own';

const wentBack = history(
  'within one era a position that went back is a break, also behind an answer that told none',
);
const lowerEra = history('a lower era, and the same one on another history, went back');
const waits = era(
  'sqlite: the quarantine of a new era what an agent trusted it may have back at once, in this era; others wait for the longest TTL',
);

export const eraMutants: readonly SourceMutant[] = [
  {
    name: 'takes another history for that of the era',
    rule: noticed,
    file: 'src/domain/history.ts',
    find: "if (!point.isOfEra) return 'other_history';",
    replace: '',
    killedBy: history('a server that is not of the era is another history, however often it is asked'),
  },
  {
    name: 'does not notice that the log went back',
    rule: remembered,
    file: 'src/domain/history.ts',
    find: 'point.position < known.position',
    replace: 'point.position < 0',
    killedBy: wentBack,
  },
  {
    name: 'forgets how far the log was written when it is not told',
    rule: remembered,
    file: 'src/domain/history.ts',
    find: 'point.position ?? before',
    replace: 'point.position',
    killedBy: wentBack,
  },
  {
    name: 'goes on in a lower era',
    rule: remembered,
    file: 'src/domain/history.ts',
    find: 'return point.era > known.era;',
    replace: 'return true;',
    killedBy: lowerEra,
  },
  {
    name: 'goes on in its era on another server’s history',
    rule: remembered,
    file: 'src/domain/history.ts',
    find: 'point.systemIdentifier === known.systemIdentifier && point.timeline === known.timeline && ',
    replace: '',
    killedBy: lowerEra,
  },
  {
    name: 'opens an era although somebody was first',
    rule: 'Eras: of many that see it at once, one opens it',
    file: 'src/store/era/era-keeper.ts',
    find: 'if (era !== seen.era) return undefined;',
    replace: '',
    killedBy: onPostgres('two agents that see another history open one era'),
  },
  {
    name: 'opens an era below one that it has heard of',
    rule: 'Eras: the new one is above what its opener has heard of',
    file: 'src/store/era/era-keeper.ts',
    find: '((this.eraKnown ?? 0) + 1) * EPOCHS_PER_ERA - 1',
    replace: '0',
    killedBy: era(
      'sqlite: the quarantine of a new era an agent that finds the store older than it was opens an era above all that it knew',
    ),
  },
  {
    name: 'leaves sessions of other groups alive',
    rule: 'A new era: no session lives on, in any group',
    file: 'src/store/era/sessions-to-end.ts',
    find: "end_reason = ${d.parameter('reason', 'text')}\n    where ended_at is null",
    replace:
      "end_reason = ${d.parameter('reason', 'text')}\n    where ended_at is null and group_name = (select min(group_name) from ${d.table('sessions')})",
    killedBy: era(
      'sqlite all that was given out before is refused, and all that is given out after is above',
    ),
  },
  {
    name: 'grants what was trusted in an earlier era',
    rule: 'Quarantine: the grant names the era',
    file: 'src/store/sql/lease-terms.ts',
    find: "(select number from ${d.table('era')}) = ${d.parameter('reclaimEra', 'bigint')}",
    replace: "${d.parameter('reclaimEra', 'bigint')} is not null",
    killedBy: waits,
  },
  {
    name: 'grants an agent that comes back whatever it asks for',
    rule: quarantine,
    file: 'src/store/sql/lease-terms.ts',
    find: 'or w.reclaimed = 1 and',
    replace: 'or w.reclaimed is not null and',
    killedBy: waits,
  },
  {
    name: 'claims back what it did not trust any more',
    rule: quarantine,
    file: 'src/coordination/heartbeat.ts',
    find: "answer.reason === 'new_era' && isTrusted ?",
    replace: "answer.reason === 'new_era' ?",
    killedBy: {
      file: 'test/coordination/reclaim.test.ts',
      test: 'an agent whose trust had passed when it heard of a new era has nothing back in its quarantine',
    },
  },
  {
    name: 'waits for no session that ended',
    rule: length,
    file: 'src/store/era/turn.ts',
    find: 'Math.max(ttlMs, (await first(tx, selectTtlMax, {})) ?? 0)',
    replace: 'ttlMs',
    killedBy: waits,
  },
  {
    name: 'waits for no session that was lost with its registration',
    rule: length,
    file: 'src/store/era/turn.ts',
    find: 'Math.max(ttlMs, (await first(tx, selectTtlMax, {})) ?? 0)',
    replace: '(await first(tx, selectTtlMax, {})) ?? 0',
    killedBy: onPostgres('a session that was lost with its registration is lost to the new era'),
  },
];
