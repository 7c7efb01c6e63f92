// Zod schemas as fastify's validators. The same schemas give the types of a route's parameters, those of its answers the types of what
// it may answer, and both the API's description.
import type { FastifySchemaCompiler, FastifySerializerCompiler, FastifyTypeProvider } from 'fastify';
import { type input, type output, ZodType } from 'zod';
import type { core } from 'zod';
import { Refusal } from '../domain/refusal.ts';

export interface ZodTypes extends FastifyTypeProvider {
  readonly validator: this['schema'] extends ZodType ? output<this['schema']> : unknown;
  readonly serializer: this['schema'] extends ZodType ? input<this['schema']> : unknown;
}

/** Answers are held to their schemas by the compiler and by tests; sending them costs what it costs without. */
export const answerAsIs: FastifySerializerCompiler<unknown> = () => (answer) => JSON.stringify(answer);

export const compileValidator: FastifySchemaCompiler<unknown> = ({ schema, httpPart }) => {
  if (!(schema instanceof ZodType))
    throw new TypeError('a route is described by something else than a zod schema');
  const part = partOf(httpPart);
  return (data) => {
    const checked = schema.safeParse(data);
    return checked.success
      ? { value: checked.data }
      : { error: new Refusal('invalid', explain(checked.error.issues, part)) };
  };
};

/** What the fields of a part of a request are called. */
type Part = 'query parameter' | 'path parameter' | 'field';

function partOf(httpPart: string | undefined): Part {
  if (httpPart === 'querystring') return 'query parameter';
  return httpPart === 'params' ? 'path parameter' : 'field';
}

/** Enough to mend a request; a body of 1 MiB can be wrong in 100,000 places. */
const issuesMax = 3;
const nameLengthMax = 100;

function explain(issues: readonly core.$ZodIssue[], part: Part): string {
  const all = issues.flatMap(meantIssues);
  const told = all.slice(0, issuesMax).map((issue) => sentence(issue, part));
  return all.length > issuesMax ? `${told.join('; ')}; and ${all.length - issuesMax} more` : told.join('; ');
}

/** Of a union, the branch that came closest: the one that does not already fail by being another kind of value. */
function meantIssues(issue: core.$ZodIssue): readonly core.$ZodIssue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const isOtherKind = (branch: readonly core.$ZodIssue[]) =>
    branch.some(({ code, path }) => code === 'invalid_type' && path.length === 0);
  const [first] = issue.errors;
  const meant = issue.errors.find((branch) => !isOtherKind(branch)) ?? first ?? [];
  return meant.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }));
}

function sentence(issue: core.$ZodIssue, part: Part): string {
  if (issue.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys;
    return `there is no ${part} ${quoted([...issue.path, key])}`;
  }
  if (issue.path.length > 0) return `${part} ${quoted(issue.path)}: ${issue.message}`;
  return `the body: ${issue.message}`;
}

/** `"segments[3].endOffset"` */
function quoted(path: readonly PropertyKey[]): string {
  const text = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  return JSON.stringify(text.replace(/^\./, '').slice(0, nameLengthMax));
}
