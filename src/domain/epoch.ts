// The epoch rule: every grant is higher than all before it, in every era.
import { EPOCHS_PER_ERA } from './limits.ts';

/** The epoch that follows `epoch` in `era`. The stores compute the same in SQL; the contract suite compares them. */
export function nextEpoch(epoch: number, era: number): number {
  return Math.max(epoch + 1, era * EPOCHS_PER_ERA);
}
