// JSON for the fuzz test: values that fit a schema, and values spoilt in ways that a schema may or may not mind.
import * as fc from 'fast-check';
import { z } from 'zod';
import type { SchemaForm } from './openapi-form.ts';

export interface ValueOptions {
  /** What a schema points to. */
  readonly resolve: (ref: string) => SchemaForm;
  /** By the name of a field: values that mean something to the store, or that it can bear. */
  readonly hints: Readonly<Record<string, fc.Arbitrary<unknown>>>;
  /** Fields for which nothing but the hint will do: a topic of 100,000 partitions would take all afternoon. */
  readonly hintsOnly: ReadonlySet<string>;
}

const anySchema = z.looseObject({
  $ref: z.string().optional(),
  const: z.unknown().optional(),
  enum: z.array(z.unknown()).optional(),
  anyOf: z.array(z.record(z.string(), z.unknown())).optional(),
  oneOf: z.array(z.record(z.string(), z.unknown())).optional(),
  type: z.union([z.string(), z.array(z.string())]).optional(),
  pattern: z.string().optional(),
  minimum: z.number().default(Number.MIN_SAFE_INTEGER),
  maximum: z.number().default(Number.MAX_SAFE_INTEGER),
  minLength: z.number().default(0),
  maxLength: z.number().default(4_096),
  minItems: z.number().default(0),
  items: z.record(z.string(), z.unknown()).default({}),
  properties: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
  required: z.array(z.string()).default([]),
  additionalProperties: z.union([z.boolean(), z.record(z.string(), z.unknown())]).default(false),
});
type AnySchema = z.infer<typeof anySchema>;

/** Values that fit; `name` is that of the field they are for. */
export function fitting(schema: SchemaForm, options: ValueOptions, name = ''): fc.Arbitrary<unknown> {
  const hint = options.hints[name];
  if (hint !== undefined && options.hintsOnly.has(name)) return hint;
  const ofSchema = fittingSchema(anySchema.parse(schema), options, name);
  return hint === undefined ? ofSchema : fc.oneof({ weight: 5, arbitrary: hint }, ofSchema);
}

function fittingSchema(schema: AnySchema, options: ValueOptions, name: string): fc.Arbitrary<unknown> {
  if (schema.$ref !== undefined) return fitting(options.resolve(schema.$ref), options, name);
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  const branches = schema.anyOf ?? schema.oneOf;
  if (branches !== undefined) return fc.oneof(...branches.map((branch) => fitting(branch, options)));
  if (Array.isArray(schema.type)) {
    return fc.oneof(...schema.type.map((type) => fittingType({ ...schema, type }, type, options)));
  }
  return schema.type === undefined ? fc.jsonValue() : fittingType(schema, schema.type, options);
}

function fittingType(schema: AnySchema, type: string, options: ValueOptions): fc.Arbitrary<unknown> {
  switch (type) {
    case 'integer': {
      const { minimum: min, maximum: max } = schema;
      return fc.oneof(
        fc.constantFrom(min, max),
        fc.integer({ min, max: Math.min(max, min + 100) }),
        fc.maxSafeInteger().map((n) => min + (Math.abs(n) % (max - min + 1))),
      );
    }
    case 'string':
      return text(schema);
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'array':
      return fc.array(fitting(schema.items, options), {
        minLength: schema.minItems,
        maxLength: schema.minItems + 2,
      });
    case 'object':
      return object(schema, options);
    default:
      throw new Error(`no values of type ${type}`);
  }
}

/** Fast-check makes no texts of a pattern that looks ahead; what that forbids is left out afterwards. */
function text({ pattern, minLength, maxLength }: AnySchema): fc.Arbitrary<string> {
  if (pattern !== undefined) {
    const whole = new RegExp(pattern, 'u');
    return fc
      .stringMatching(new RegExp(pattern.replace(/\(\?!.*?\)/, ''), 'u'))
      .filter((each) => whole.test(each));
  }
  const any = fc.string({ unit: 'binary', minLength, maxLength: Math.min(maxLength, minLength + 30) });
  return fc.oneof(
    { weight: 5, arbitrary: any },
    fc.constantFrom('x'.repeat(minLength), 'x'.repeat(maxLength)),
  );
}

function object(schema: AnySchema, options: ValueOptions): fc.Arbitrary<unknown> {
  const { properties, required, additionalProperties } = schema;
  const fields = Object.fromEntries(
    Object.entries(properties).map(([name, property]) => [name, fitting(property, options, name)]),
  );
  const described = fc.record(fields, { requiredKeys: required });
  if (additionalProperties === false) return described;
  const more = fc.dictionary(fc.string({ unit: 'binary', maxLength: 10 }), fc.jsonValue(), { maxKeys: 3 });
  return fc.tuple(described, more).map(([own, others]) => ({ ...others, ...own }));
}

function nested(levels: number): unknown {
  return levels === 0 ? [] : [nested(levels - 1)];
}

/** What programs send by mistake, and what attackers send on purpose. */
const odd: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(null, true, false, '', ' ', '.', '..', '0', '-1', '\0', 'a\0', '\ud800', 'ü', {}, [], [[]]),
  fc.constantFrom(-1, 0, 0.5, 1e300, 2 ** 31, 2 ** 32, 2 ** 53 - 1, 2 ** 53, -(2 ** 53)),
  fc.constantFrom('x'.repeat(250), 'x'.repeat(5_000), '\u{1f600}'.repeat(600), nested(31), nested(40)),
  fc.constantFrom(JSON.parse('{"__proto__":{"a":1}}'), { constructor: { prototype: 1 } }, { toString: 1 }),
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.double(),
  fc.jsonValue(),
);

/** A value with one thing in it that is odd, missing or too many. */
export function spoilt(values: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const where = fc.nat({ max: 30 });
  const how = fc.constantFrom('replace', 'remove', 'add', 'wrap');
  return fc
    .tuple(values, where, how, odd)
    .map(([value, place, change, by]) => spoil(value, place, change, by));
}

/** Counts places down while it walks, and changes the one it ends at. */
function spoil(value: unknown, place: number, how: string, by: unknown): unknown {
  let left = place;
  const walk = (here: unknown): unknown => {
    left -= 1;
    if (left === -1) return changed(here, how, by);
    if (Array.isArray(here)) return here.map(walk);
    if (typeof here !== 'object' || here === null) return here;
    return Object.fromEntries(
      Object.entries(here).flatMap(([key, inner]) => {
        if (left === 0 && how === 'remove') {
          left -= 1;
          return [];
        }
        return [[key, walk(inner)]];
      }),
    );
  };
  const walked = walk(value);
  return left >= 0 ? changed(walked, how, by) : walked;
}

function changed(value: unknown, how: string, by: unknown): unknown {
  if (how === 'wrap') return [value];
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (how === 'add' && isObject) return { ...value, additional: by };
  return by;
}
