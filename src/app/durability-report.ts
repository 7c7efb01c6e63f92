// How durable the store is, told in the log and as a metric. An agent works on what it finds: that is for a person to mend.
import type { Instruments } from '../metrics/instruments.ts';
import { durabilityChecks } from '../metrics/table/store.ts';
import type { Logger } from '../platform/logger.ts';
import type { Finding } from '../store/finding.ts';

/** Says each finding once as long as it is the same; the metric follows the last look. */
export function durabilityReport(
  log: Logger,
  { storeDurabilityWarnings }: Pick<Instruments, 'storeDurabilityWarnings'>,
): (findings: readonly Finding[], server: string) => void {
  const told = new Set<string>();
  return (findings, server) => {
    for (const check of durabilityChecks) {
      const finding = findings.find((each) => each.check === check);
      const isWeak = finding?.verdict === 'warning' || finding?.verdict === 'fail';
      storeDurabilityWarnings.set({ check }, isWeak ? 1 : 0);
      if (finding === undefined || !isWeak || told.has(`${check} ${finding.seen}`)) continue;
      told.add(`${check} ${finding.seen}`);
      const { seen, todo } = finding;
      log.warn({ check, seen, todo, server }, 'the store is less durable than agents assume');
    }
  };
}
