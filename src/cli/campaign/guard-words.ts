// What a campaign and the guard of its command say to each other.
import { z } from 'zod';

export type ToGuard =
  /** Run this; it must be gone at `untilMs`. */
  | {
      readonly is: 'run';
      readonly command: string;
      readonly args: readonly string[];
      readonly env: Readonly<Record<string, string | undefined>>;
      readonly untilMs: number;
    }
  /** SIGTERM for all of it. */
  | { readonly is: 'stop' }
  /** When all of it must be gone, in milliseconds of the machine's monotonic clock, which all processes share. */
  | { readonly is: 'until'; readonly untilMs: number };

export const fromGuardForm = z.discriminatedUnion('is', [
  z.object({ is: z.literal('started'), pid: z.number() }),
  z.object({ is: z.literal('failed'), message: z.string() }),
  /** It has ended, and what it left behind was killed. */
  z.object({ is: z.literal('ended'), code: z.number() }),
]);
export type FromGuard = z.infer<typeof fromGuardForm>;
