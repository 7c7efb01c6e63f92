// What an answer with status 400 to 499 says, as one of the client's errors.
import {
  AlreadyExists,
  Fenced,
  NotFound,
  OffsetGap,
  OffsetOverlap,
  type RefusalFacts,
  Refused,
} from './errors.ts';
import type { Fields } from './fields.ts';

/** `problem`: the body, undefined when it is not JSON. */
export function refusalOf(status: number, problem: Fields | undefined): Refused {
  const code = problem?.optionalText('code') ?? 'unknown';
  const said =
    problem?.optionalText('detail') ?? problem?.optionalText('title') ?? `the agent answered ${status}`;
  const facts: RefusalFacts = {
    currentEpoch: problem?.optionalWhole('currentEpoch'),
    holder: problem?.isNull('holder') === true ? null : problem?.optionalText('holder'),
    highWatermark: problem?.optionalWhole('highWatermark'),
    committed: problem?.optionalFlag('committed') ?? false,
  };
  return new (classOf(status, code))(status, code, said, facts);
}

function classOf(status: number, code: string): typeof Refused {
  switch (code) {
    case 'fenced':
    case 'no_lease':
    case 'session_lost':
      return Fenced;
    case 'offset_gap':
      return OffsetGap;
    case 'offset_overlap':
      return OffsetOverlap;
    case 'already_exists':
      return AlreadyExists;
    default:
      return status === 404 ? NotFound : Refused;
  }
}
