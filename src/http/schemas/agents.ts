// What requests about agents may say.
import { z } from 'zod';
import { name } from './names.ts';
import { flag } from './numbers.ts';

export const agentPath = z.strictObject({ agentId: name });

export const removeAgentQuery = z.strictObject({
  force: flag.meta({ description: 'Also an agent with a live session, which is then told to end.' }),
});
