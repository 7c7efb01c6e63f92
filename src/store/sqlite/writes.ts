// What SQLite has to hand to the connection that writes.
import type { CompiledSql } from '../sql/dialect.ts';

/** Whether a statement may change something. Our reads begin with `select`, or with `with` and name nothing that writes. */
export function mayWrite({ text }: CompiledSql): boolean {
  return !/^\s*(select\b|with\b(?![^]*\b(insert|update|delete)\b))/i.test(text);
}
