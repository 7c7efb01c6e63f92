// What requests about agents may say.
import { z } from 'zod';
import { name } from './names.ts';
import { flag } from './numbers.ts';

export const agentPath = z.strictObject({ agentId: name });

/** `force`: also an agent with a live session, which is told to end. */
export const removeAgentQuery = z.strictObject({ force: flag });
