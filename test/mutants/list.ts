// Every safety rule with at least one mutant that breaks it, and the test that notices.
import { clientMutants } from './list/client.ts';
import { eraMutants } from './list/eras.ts';
import { fenceMutants } from './list/fence.ts';
import { leaseMutants } from './list/leases.ts';
import { reapingMutants } from './list/reaping.ts';
import { roleMutants } from './list/roles.ts';
import { serverMutants } from './list/servers.ts';
import { trustMutants } from './list/trust.ts';
import type { SourceMutant } from './mutant.ts';

export { statementMutants } from './list/statements.ts';

export const sourceMutants: readonly SourceMutant[] = [
  ...trustMutants,
  ...reapingMutants,
  ...leaseMutants,
  ...eraMutants,
  ...fenceMutants,
  ...roleMutants,
  ...serverMutants,
  ...clientMutants,
];

/** Changes nothing: shows that a test fails for its mutant and not by itself. */
export const control: SourceMutant = {
  name: 'changes nothing',
  rule: 'none',
  file: 'src/domain/silence-watch.ts',
  find: '/** Forgets everything: the observation was broken. */',
  replace: '',
  killedBy: {
    file: 'test/domain/silence-watch.test.ts',
    test: 'the observation starts again on another connection',
  },
};
