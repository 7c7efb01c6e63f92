// How a crash is told from silence: nothing beside the session's times is stored of it.
import { type SQL, sql } from 'drizzle-orm';
import type { Dialect } from './dialect.ts';

/**
 * Whether the session `s` was reaped before its time was over: its process was seen to have died. A silent one is reaped after it, or when
 * the clock shows a time that it cannot have given.
 */
export function hasCrashed(d: Dialect): SQL {
  return sql`(s.end_reason = 'reaped' and s.ended_at < s.expires_at and s.expires_at <= ${d.plusMs(sql`s.ended_at`, sql`s.ttl_ms`)})`;
}
