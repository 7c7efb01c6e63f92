// Chance among a few things, by a source of chance that the caller brings.

/** `random`: uniform in [0, 1). */
export function pick<T>(random: () => number, items: readonly T[]): T {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new Error('there is nothing to pick from');
  return item;
}
