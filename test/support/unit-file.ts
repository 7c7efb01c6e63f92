// Files of systemd: sections with keys, each as often as it likes.
import { readFileSync } from 'node:fs';

/** Values by `Section.Key`, in their order. A line that is none of a section, an assignment and a comment throws. */
export function readUnit(file: string): ReadonlyMap<string, readonly string[]> {
  const values = new Map<string, string[]>();
  let section = '';
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const {
      name,
      key,
      value = '',
    } = /^(?:\[(?<name>\w+)\]|(?<key>\w+)=(?<value>.*))$/.exec(line)?.groups ?? {};
    if (name !== undefined) section = name;
    else if (key === undefined || section === '') throw new Error(`${file}: "${line}"`);
    else values.set(`${section}.${key}`, [...(values.get(`${section}.${key}`) ?? []), value]);
  }
  return values;
}
