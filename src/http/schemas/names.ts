// Names, and what identifies a partition, in paths, queries and bodies.
import { z } from 'zod';
import { NAME_PATTERN } from '../../domain/limits.ts';
import { whole, wholeText } from './numbers.ts';

const nameError = 'must be a name: 1 to 249 of A-Z a-z 0-9 . _ -, and not . or ..';

export const name = z.string(nameError).regex(NAME_PATTERN, nameError);

/** Partition numbers are 32-bit; one that a topic does not have is not found rather than invalid. */
const partitionMax = 2 ** 31 - 1;

export const partitionNumber = whole(0, partitionMax);
const partitionText = wholeText(0, partitionMax);

export const topicPath = z.strictObject({ topic: name });
export const partitionPath = z.strictObject({ topic: name, partition: partitionText });

/** Text that is stored as it is, of a bounded length in UTF-16 units: indexes have a largest row. */
export function text(lengthMax: number) {
  const error = `must be a text of 1 to ${lengthMax} characters`;
  return z.string(error).min(1, error).max(lengthMax, error);
}
