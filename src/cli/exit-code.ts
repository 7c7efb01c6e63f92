// What the program's exit codes mean (CONTRACT, "Program"). Scripts branch on these numbers: they never change.

export const exitCode = {
  ok: 0,
  error: 1,
  usage: 2,
  notFound: 3,
  /** A conflict with what is there, or fenced off by a newer epoch. */
  conflict: 4,
  timeout: 5,
  /** Nobody answers: neither an agent at the URL, nor the store behind the agent. */
  unreachable: 6,
  unhealthy: 10,
  /** A person must change a setting of the environment or of the store (EX_CONFIG of sysexits.h). */
  configuration: 78,
  /** Ended by the caller's signal: 128 + SIGINT, as shells have it. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCode)[keyof typeof exitCode];
