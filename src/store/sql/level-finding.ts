// The doctor's word on the schema's level, the same for both backends.
import { type Finding, found, ok } from '../finding.ts';
import { copyingLevel } from './migrations.ts';

export function levelFinding(level: number, pending: readonly string[], minCompatible: number): Finding {
  if (minCompatible === copyingLevel) {
    return found(
      'schema',
      'fail',
      'a copy into this store is not finished; agents refuse to start on it',
      'run the same streamhouse db copy again',
    );
  }
  if (minCompatible > level + pending.length) {
    return found(
      'schema',
      'fail',
      `needs a program that knows level ${minCompatible}`,
      'upgrade this program',
    );
  }
  if (pending.length === 0) return ok('schema', `level ${level}, nothing pending`);
  return found(
    'schema',
    'warning',
    `level ${level}, pending: ${pending.join(', ')}`,
    'streamhouse db migrate',
  );
}
