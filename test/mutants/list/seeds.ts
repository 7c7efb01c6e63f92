// Rules whose breach breaks a claim of the simulation, which knows nothing of the rule: what is said of whole clusters follows from them.
import type { SourceMutant } from '../mutant.ts';

const names = [
  'grants what a live session holds',
  'counts a silence across beats',
  'deletes a topic and keeps its epochs (SQLite)',
  'takes a lock that it never saw held for one that vanished',
  'goes on observing while its own heartbeats fail',
  'remembers what it was told to forget',
  'acts on when its connection is lost',
  'does not notice that the machine slept',
  'acts on a lease that it is releasing',
  'releases whatever term the session holds (SQLite)',
  'never notices that a lease was taken away',
  'reaps after less than a TTL of silence',
  'counts trust from the answer of a heartbeat',
] as const;

/** Each is one of `mutants`, by its name. */
export function killedBySeeds(mutants: readonly SourceMutant[]): readonly SourceMutant[] {
  const killedBy = { file: 'test/mutants/seeds.ts', test: 'every claim holds in all weathers' };
  return names.map((name) => {
    const mutant = mutants.find((each) => each.name === name);
    if (mutant === undefined) throw new Error(`there is no mutant that ${name}`);
    return { ...mutant, killedBy };
  });
}
