// The routes of the application as the description needs them, gathered while they are added.
import type { FastifySchema } from 'fastify';
import { ZodType } from 'zod';
import type { HttpApp } from '../http-app.ts';
import type { OperationDoc } from './operation.ts';

export interface DescribedRoute {
  readonly method: string;
  /** As in OpenAPI: `/v1/topics/{topic}`. */
  readonly path: string;
  /** Undefined for a route that says nothing of itself, which a test does not let pass. */
  readonly doc: OperationDoc | undefined;
  /** Whether it answers anybody: no token, any Host. */
  readonly isOpen: boolean;
  /** What it reads: `params`, `querystring`, `headers`, `body`. */
  readonly request: Readonly<Partial<Record<RequestPart, ZodType>>>;
  /** Its good answers by status. */
  readonly answers: Readonly<Record<string, ZodType>>;
}

export const requestParts = ['params', 'querystring', 'headers', 'body'] as const;
export type RequestPart = (typeof requestParts)[number];

/** Must be called before the routes are added: it listens for them. The array grows with them. */
export function gatherRoutes(app: HttpApp): readonly DescribedRoute[] {
  const routes: DescribedRoute[] = [];
  app.addHook('onRoute', ({ method, url, schema, config }) => {
    if (config?.page === true) return;
    for (const each of [method].flat()) {
      // Made by fastify for every GET; RFC 9110 says all there is to say of them.
      if (each === 'HEAD') continue;
      routes.push({
        method: each,
        path: url.replaceAll(/:(\w+)/g, '{$1}'),
        doc: schema?.doc,
        isOpen: config?.open === true,
        request: requestOf(schema),
        answers: answersOf(schema),
      });
    }
  });
  return routes;
}

function requestOf(schema: FastifySchema | undefined): DescribedRoute['request'] {
  return Object.fromEntries(
    requestParts.flatMap((part) => {
      const given = schema?.[part];
      return given instanceof ZodType ? [[part, given]] : [];
    }),
  );
}

function answersOf(schema: FastifySchema | undefined): DescribedRoute['answers'] {
  return Object.fromEntries(
    Object.entries(schema?.response ?? {}).flatMap(([status, given]) =>
      given instanceof ZodType ? [[status, given]] : [],
    ),
  );
}
