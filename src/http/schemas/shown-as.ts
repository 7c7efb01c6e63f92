// What a schema is in the API's description where that differs from what it reads: a number in a query is a number to
// those who write clients, and a text of digits to us.
import { z } from 'zod';

export const shownAs = z.registry<Readonly<Record<string, unknown>>>();
