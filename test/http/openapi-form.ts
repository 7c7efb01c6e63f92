// The OpenAPI document as far as tests look into it.
import { z } from 'zod';

const schemaForm = z.record(z.string(), z.unknown());
export type SchemaForm = z.infer<typeof schemaForm>;

const parameterForm = z.object({
  name: z.string(),
  in: z.enum(['path', 'query', 'header']),
  required: z.boolean(),
  description: z.string().optional(),
  schema: schemaForm,
});
export type ParameterForm = z.infer<typeof parameterForm>;

const responseForm = z.object({
  description: z.string(),
  content: z.record(z.string(), z.object({ schema: schemaForm })).default({}),
});

const operationForm = z.object({
  // Missing where a route says nothing of itself: a test names it (openapi.test.ts).
  operationId: z.string().default(''),
  tags: z.array(z.string()).default([]),
  summary: z.string().default(''),
  security: z.array(z.unknown()).optional(),
  parameters: z.array(parameterForm),
  requestBody: z
    .object({
      required: z.boolean(),
      content: z.object({ 'application/json': z.object({ schema: schemaForm }) }),
    })
    .optional(),
  responses: z.record(z.string(), z.union([z.object({ $ref: z.string() }), responseForm])),
});

export type OperationForm = z.infer<typeof operationForm>;

/** The schema of a problem in one status of one operation. */
export const problemForm = z.object({
  properties: z.object({ code: z.object({ enum: z.array(z.string()) }) }),
});

export const openApiForm = z.looseObject({
  openapi: z.string(),
  info: z.object({ title: z.string(), version: z.string(), description: z.string() }),
  paths: z.record(z.string(), z.record(z.string(), operationForm)),
  components: z.looseObject({
    schemas: z.record(z.string(), schemaForm),
    responses: z.record(z.string(), responseForm),
  }),
});
export type OpenApiForm = z.infer<typeof openApiForm>;
