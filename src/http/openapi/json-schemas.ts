// JSON Schemas (draft 2020-12, as OpenAPI 3.1 has them) of the zod schemas that requests are checked with and answers are typed by.
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { core, ZodType } from 'zod';
import { shownAs } from '../schemas/shown-as.ts';

export type JsonSchema = core.JSONSchema.BaseSchema;

export interface JsonSchemas {
  /** By the keys they were given under. */
  readonly schemas: Readonly<Record<string, JsonSchema>>;
  /** Those that have a name of their own (`meta({ id })`); the others point to them. */
  readonly components: Readonly<Record<string, JsonSchema>>;
}

/**
 * All in one conversion, so that what they share is described once. As what is sent (`input`): fields with a default may be
 * left out, and answers may gain fields.
 */
export function jsonSchemasOf(parts: Readonly<Record<string, ZodType>>): JsonSchemas {
  const all = z.toJSONSchema(z.object(parts), { io: 'input', override: showAs });
  const { properties = {}, $defs = {} } = pointToComponents(all);
  return { schemas: objectsOf(properties), components: objectsOf($defs) };
}

const showAs: NonNullable<core.ToJSONSchemaParams['override']> = ({ zodSchema, jsonSchema }) => {
  const shown = shownAs.get(zodSchema);
  if (shown !== undefined) {
    for (const key of Object.keys(jsonSchema)) delete jsonSchema[key];
    Object.assign(jsonSchema, shown);
  }
  // Names are texts in all of JSON.
  if (isDeepStrictEqual(jsonSchema.propertyNames, { type: 'string' })) delete jsonSchema.propertyNames;
  // Zod leaves it out where what is read differs from what is sent; a number is shown as one, so its default can be too.
  if (zodSchema instanceof z.ZodDefault) jsonSchema.default ??= z.json().parse(zodSchema.def.defaultValue);
};

function pointToComponents(schema: JsonSchema): JsonSchema {
  const text = JSON.stringify(schema).replaceAll('"$ref":"#/$defs/', '"$ref":"#/components/schemas/');
  const pointed: JsonSchema = JSON.parse(text);
  return pointed;
}

/** Leaves out what JSON Schema could also be, `true` and `false`, which zod never makes of a schema of ours. */
function objectsOf(schemas: Readonly<Record<string, JsonSchema | boolean>>): Record<string, JsonSchema> {
  return Object.fromEntries(
    Object.entries(schemas).flatMap(([key, schema]) => (typeof schema === 'boolean' ? [] : [[key, schema]])),
  );
}
