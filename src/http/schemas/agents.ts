// What requests about agents may say.
import { z } from 'zod';
import { name } from './names.ts';
import { flag } from './numbers.ts';

export const agentPath = z.strictObject({ agentId: name });

/** For what takes no fields: an empty body or an empty object. A misspelt field is told, not ignored. */
export const noBody = z.strictObject({}, 'must be empty or an empty JSON object').nullish();

export const removeAgentQuery = z.strictObject({
  force: flag.meta({ description: 'Also an agent with a live session, which is then told to end.' }),
});
