// What is cached, and how a read may end: the labels of the metric, and what caches count by.

export const cacheNames = ['topic', 'partition', 'lease', 'segment'] as const;
export type CacheName = (typeof cacheNames)[number];

/** Answered from memory; read from the store; or read past the cache, since signals may be missing. */
export const cacheResults = ['hit', 'miss', 'bypass'] as const;
export type CacheResult = (typeof cacheResults)[number];
