// A rule as tests: a scenario answers with the ways in which the rule was broken. The real store breaks it in none;
// each mutant breaks it in the way that is said, in the same scenario.
import { inspect, isDeepStrictEqual } from 'node:util';
import { describe, expect, inject, test } from 'vitest';
import type { Mutant } from './mutants.ts';
import { Stage } from './stage.ts';

export type Scenario = (stage: Stage) => Promise<string[]>;

export interface Breach {
  readonly mutant: Mutant;
  /** What the scenario must say of it, so that it fails for this reason and no other. */
  readonly shows: RegExp;
}

export function rule(claim: string, scenario: Scenario, breaches: readonly Breach[] = []): void {
  for (const { name, url } of inject('postgresTargets')) {
    describe(`${name}: ${claim}`, () => {
      test('holds', async () => {
        expect(await play(url, scenario)).toEqual([]);
      });
      for (const { mutant, shows } of breaches) {
        test(`is broken by a store that ${mutant.name}`, async () => {
          expect((await play(url, scenario, mutant)).join('\n')).toMatch(shows);
        });
      }
    });
  }
}

async function play(url: string, scenario: Scenario, mutant?: Mutant): Promise<string[]> {
  await using stage = await Stage.open(url, mutant);
  const violations = await scenario(stage);
  stage.assertMutated();
  return violations;
}

type Facts = Readonly<Record<string, unknown>>;

/** A line for each fact that is not as the rule wants it: `holder: 'a', not 'b'`. */
export function differences<T extends Facts>(
  seen: T,
  wanted: { readonly [fact in keyof T]: unknown },
): string[] {
  return Object.keys(wanted)
    .filter((fact) => !isDeepStrictEqual(seen[fact], wanted[fact]))
    .map((fact) => `${fact}: ${inspect(seen[fact])}, not ${inspect(wanted[fact])}`);
}
