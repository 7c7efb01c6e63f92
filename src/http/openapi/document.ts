// The API's description (OpenAPI 3.1), made of the routes and the very schemas that check what they are sent. Written out here rather
// than taken from a library: zod makes the JSON Schemas, and what is left is to put them into their places. (@fastify/swagger would
// want to be loaded before the routes, as a plugin, and to rewrite the schemas by rules of OpenAPI 3.0.)
import { STATUS_CODES } from 'node:http';
import { ZodUndefined, type ZodType } from 'zod';
import { problemAnswer } from '../schemas/answers/problem.ts';
import { jsonSchemasOf, type JsonSchema, type JsonSchemas } from './json-schemas.ts';
import { tags } from './operation.ts';
import { problemComponents, problemResponse, problemsOf } from './problem-responses.ts';
import { requestParts, type DescribedRoute } from './routes.ts';

const about = `Coordination for a streaming platform: who may write which partition, and where its segments are.

- Integers are up to 2^53 − 1; **epochs and offsets never fit 32 bits**: on PostgreSQL epochs begin at 2^32.
- \`endOffset\` is inclusive. A high watermark and a committed offset are the *next* offset.
- A body is at most 1 MiB of JSON in UTF-8, at most 32 levels deep, without NUL, half surrogate pairs and a field called \`__proto__\`. Lengths of texts count UTF-16 units.
- Times are RFC 3339 in UTC; durations are milliseconds and end in \`Ms\`.
- Whatever is refused is \`application/problem+json\` with a \`code\`, and changes nothing.
- A query parameter or field that is not described here is refused, outside of \`health\`. Answers may gain fields: ignore what you do not know.
- Every answer has the header \`x-request-id\`: yours, if you sent one. A path asked with a method that it does not have is 405.
- An agent without tokens answers without them.`;

/** As JSON; whoever needs to know its form asks OpenAPI 3.1. */
export interface OpenApiDocument {
  readonly openapi: string;
  readonly [member: string]: unknown;
}

export function openApiDocument(routes: readonly DescribedRoute[], version: string): OpenApiDocument {
  const json = jsonSchemasOf(partsOf(routes));
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation(route, json) };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'StreamHouse Agent', version, description: about },
    servers: [{ url: '/', description: 'This agent.' }],
    security: [{ bearer: [] }],
    tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      schemas: json.components,
      responses: problemComponents(routes),
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description: 'API_TOKEN of the agent, or API_READ_TOKEN for what only reads.',
        },
      },
    },
  };
}

const keyOf = ({ method, path }: DescribedRoute, part: string): string => `${method} ${path} ${part}`;

function partsOf(routes: readonly DescribedRoute[]): Record<string, ZodType> {
  // Not of any one route, but the answer of all.
  const parts: Record<string, ZodType> = { problem: problemAnswer };
  for (const route of routes) {
    for (const part of requestParts) {
      const schema = route.request[part];
      if (schema !== undefined) parts[keyOf(route, part)] = schema;
    }
    for (const [status, schema] of Object.entries(route.answers)) {
      if (!(schema instanceof ZodUndefined)) parts[keyOf(route, status)] = schema;
    }
  }
  return parts;
}

function operation(route: DescribedRoute, { schemas }: JsonSchemas): object {
  const { doc, request } = route;
  const of = (part: string): JsonSchema | undefined => schemas[keyOf(route, part)];
  const body = of('body');
  return {
    ...(doc === undefined
      ? {}
      : {
          operationId: doc.id,
          tags: [doc.tag],
          summary: doc.summary,
          ...(doc.description === undefined ? {} : { description: doc.description }),
        }),
    ...(route.isOpen ? { security: [] } : {}),
    parameters: [
      ...parametersOf(of('params'), 'path'),
      ...parametersOf(of('querystring'), 'query'),
      ...parametersOf(of('headers'), 'header'),
    ],
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: request.body?.safeParse(undefined).success === false,
            content: { 'application/json': { schema: body } },
          },
        }),
    responses: responsesOf(route, of),
  };
}

function parametersOf(schema: JsonSchema | undefined, place: 'path' | 'query' | 'header'): object[] {
  return Object.entries(schema?.properties ?? {}).map(([name, property]) => {
    const { description, ...rest } = typeof property === 'boolean' ? {} : property;
    return {
      name,
      in: place,
      required: schema?.required?.includes(name) === true,
      ...(description === undefined ? {} : { description }),
      schema: rest,
    };
  });
}

function responsesOf(route: DescribedRoute, of: (status: string) => JsonSchema | undefined) {
  const responses: Record<string, object> = {};
  for (const [status, codes] of problemsOf(route)) responses[status] = problemResponse(status, codes);
  for (const [status, answer] of Object.entries(route.answers)) {
    const schema = of(status);
    responses[status] = {
      description: answer.description ?? STATUS_CODES[status] ?? status,
      ...headersOf(route),
      ...(schema === undefined
        ? {}
        : { content: { [route.doc?.answersAs ?? 'application/json']: { schema } } }),
    };
  }
  return responses;
}

function headersOf({ doc }: DescribedRoute): object {
  if (doc?.answerHeaders === undefined) return {};
  const headers = Object.entries(doc.answerHeaders).map(([name, description]) => [
    name,
    { description, schema: { type: 'string' } },
  ]);
  return { headers: Object.fromEntries(headers) };
}
