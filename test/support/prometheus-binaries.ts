// Where `prometheus` and `promtool` are.
import { type DebianProgram, findDebian, type Found, type Search } from './debian-programs.ts';

export interface PrometheusBinaries {
  readonly prometheus: string;
  readonly promtool: string;
}

const prometheus = 'usr/bin/prometheus';
const promtool = 'usr/bin/promtool';

const wanted: DebianProgram = {
  name: 'prometheus',
  packages: ['prometheus'],
  alone: true, // they are linked statically, and the rest is for a person at the old web page
  programs: [prometheus, promtool],
};

/** The programs, proven to run here. */
export async function findPrometheus(search: Search = {}): Promise<Found<PrometheusBinaries>> {
  const answer = await findDebian(wanted, search);
  if (answer.outcome === 'not_there') return answer;
  const { locate } = answer.found;
  return { outcome: 'found', found: { prometheus: locate(prometheus), promtool: locate(promtool) } };
}
