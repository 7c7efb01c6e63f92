// Upper bounds of histograms, in seconds.

/** Of what a store, a broker or a client does in one step. */
export const stepSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Of takeovers, which last about a TTL: from the shortest to the longest one. */
export const failoverSeconds = [0.1, 0.25, 0.5, 0.75, 1, 1.5, 2.5, 5, 10, 15, 30, 60, 120, 300];
