// The numbers every layer agrees on, so that a value refused at the door is refused by the database for the same reason.

/** Largest integer that survives JSON and JavaScript unchanged: 2^53 − 1. Epochs, offsets and sizes stay at or below it. */
export const INTEGER_MAX = Number.MAX_SAFE_INTEGER;

/** Partitions one topic may have. */
export const PARTITION_COUNT_MAX = 100_000;

/** Rows one list answers at most, and when nothing is said. */
export const PAGE_LIMIT_MAX = 10_000;
export const PAGE_LIMIT_DEFAULT = 1_000;

/** Names of topics, agents, groups and roles. `.` and `..` are refused too: they vanish from URL paths. */
export const NAME_PATTERN = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}$/;

/**
 * One era is 2^32 epochs wide: every grant is at least `era · 2^32`, so that a new era starts above
 * all epochs that a lost standby may have handed out (DESIGN 3.7).
 */
export const EPOCHS_PER_ERA = 2 ** 32;
