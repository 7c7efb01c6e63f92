// Chance that can be had again: the same seed draws the same numbers (G. Marsaglia, Xorshift RNGs, 2003).

/** Uniform in [0, 1). */
export function seededRandom(seed: number): () => number {
  // Any state but 0; neighbouring seeds are driven apart before the first draw.
  let state = Math.imul(seed, 2_654_435_761) || 1;
  const step = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  for (let i = 0; i < 16; i += 1) step();
  return step;
}

export function shuffled<T>(random: () => number, items: readonly T[]): T[] {
  const rest = [...items];
  return items.map(() => {
    const [item] = rest.splice(Math.floor(random() * rest.length), 1);
    if (item === undefined) throw new Error('there is nothing left');
    return item;
  });
}
