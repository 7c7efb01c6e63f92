// Which server is written to, where the URL names several or one has changed.
import type { SourceMutant } from '../mutant.ts';

const writable = (test: string) => ({ file: 'test/store/postgres/writable.test.ts', test });

export const serverMutants: readonly SourceMutant[] = [
  {
    name: 'connects to a standby',
    rule: 'Assumed: one writable primary at a time',
    file: 'src/store/postgres/connect.ts',
    find: "if (row?.['standby'] !== false) throw",
    replace: "if (row?.['standby'] === undefined) throw",
    killedBy: writable('a server that says that it is a standby is not taken'),
  },
  {
    name: 'connects to a server that was made read-only',
    rule: 'Assumed: one writable primary at a time',
    file: 'src/store/postgres/connect.ts',
    find: "if (row['read_only'] !== false) {",
    replace: "if (row['read_only'] === undefined) {",
    killedBy: writable('a server whose transactions are read-only is not taken'),
  },
  {
    name: 'stays with a server that takes no writes any more',
    rule: 'Several hosts: 25006 leaves the server',
    file: 'src/store/postgres/errors.ts',
    find: "case '25006':",
    replace: "case '25006, never':",
    killedBy: writable('a server that takes no writes any more is left, and asked anew'),
  },
];
