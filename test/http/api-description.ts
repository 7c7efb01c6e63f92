// The API's description as tests use it: which operation a request is, and whether an answer or a request fits what is said of it.
// Answers are held to more than clients are told to expect: a field that is not described is a fault.
import { type AnySchema, Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { HttpApp } from '../../src/http/http-app.ts';
import {
  openApiForm,
  type OpenApiForm,
  type OperationForm,
  type ParameterForm,
  problemForm,
  type SchemaForm,
} from './openapi-form.ts';

export interface Operation {
  readonly id: string;
  readonly method: string;
  /** `/v1/topics/{topic}` */
  readonly path: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly isOpen: boolean;
  readonly parameters: readonly ParameterForm[];
  readonly body: { readonly isRequired: boolean; readonly schema: SchemaForm } | undefined;
  /** By status, then by media type; a status without a body has none. */
  readonly answers: ReadonlyMap<number, ReadonlyMap<string, SchemaForm>>;
  /** The codes of the problems that a status stands for; none for one that is no problem. */
  readonly codes: (status: number) => readonly string[];
}

/** An answer as it came; `body` is parsed when it is JSON. */
export interface GivenAnswer {
  readonly status: number;
  readonly mediaType: string | undefined;
  readonly body: unknown;
}

export async function describe(app: HttpApp): Promise<ApiDescription> {
  const answer = await app.inject('/openapi.json');
  return new ApiDescription(answer.json());
}

export class ApiDescription {
  /** All of it, as it is served. */
  readonly raw: Record<string, unknown>;
  readonly document: OpenApiForm;
  readonly operations: readonly Operation[];
  readonly #ajv = new Ajv2020({ strict: false, allErrors: false });
  readonly #patterns: readonly { readonly pattern: RegExp; readonly operation: Operation }[];

  constructor(raw: Record<string, unknown>) {
    const document = openApiForm.parse(raw);
    this.raw = raw;
    this.document = document;
    addFormats.default(this.#ajv);
    // Pointers into it begin with its name.
    this.#ajv.addSchema(closed(pointingTo(document)), 'api');
    this.operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, form]) => this.#operation(path, method, form)),
    );
    this.#patterns = this.operations.map((operation) => ({
      operation,
      pattern: new RegExp(`^${operation.path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]*')}$`),
    }));
  }

  #operation(path: string, method: string, form: OperationForm): Operation {
    const answers = new Map(
      Object.entries(form.responses).map(([status, response]) => [
        Number(status),
        new Map(Object.entries(this.#resolved(response).content).map(([type, { schema }]) => [type, schema])),
      ]),
    );
    return {
      id: form.operationId,
      tags: form.tags,
      summary: form.summary,
      method: method.toUpperCase(),
      path,
      isOpen: form.security?.length === 0,
      parameters: form.parameters,
      body: form.requestBody && {
        isRequired: form.requestBody.required,
        schema: form.requestBody.content['application/json'].schema,
      },
      answers,
      codes: (status) => codesOf(answers.get(status)?.get('application/problem+json')),
    };
  }

  operation(id: string): Operation {
    const found = this.operations.find((each) => each.id === id);
    if (found === undefined) throw new Error(`no operation is called ${id}`);
    return found;
  }

  /** Which operation a request is; undefined when none. HEAD counts as GET. */
  operationOf(method: string, target: string): Operation | undefined {
    const path = routed(target);
    const asked = method === 'HEAD' ? 'GET' : method;
    return this.#patterns.find(({ operation, pattern }) => operation.method === asked && pattern.test(path))
      ?.operation;
  }

  /** What `#/components/schemas/…` points to. */
  component(ref: string): SchemaForm {
    const found = this.document.components.schemas[ref.replace('#/components/schemas/', '')];
    if (found === undefined) throw new Error(`${ref} points to nothing`);
    return found;
  }

  /** Whether a value fits a schema of the document. */
  fits(schema: SchemaForm, value: unknown): boolean {
    return this.#faultOf(schema, value) === undefined;
  }

  /** What is wrong with an answer to a request, undefined when it is as described. */
  faultOf(method: string, target: string, answer: GivenAnswer): string | undefined {
    const operation = this.operationOf(method, target);
    const fault =
      operation === undefined
        ? this.#faultOfUnknown(answer, method === 'HEAD')
        : this.#faultOfKnown(operation, answer, method === 'HEAD');
    return fault === undefined
      ? undefined
      : `${method} ${target} (${operation?.id ?? 'no operation'}) answered ${answer.status}: ${fault}`;
  }

  #faultOfKnown({ answers }: Operation, answer: GivenAnswer, isHead: boolean): string | undefined {
    const types = answers.get(answer.status);
    if (types === undefined) return `a status that is not described; ${[...answers.keys()].join(', ')} are`;
    if (isHead) return undefined;
    if (types.size === 0) return answer.body === '' ? undefined : 'a body where none is described';
    const schema = types.get(answer.mediaType ?? '');
    if (schema === undefined)
      return `${answer.mediaType} instead of ${[...types.keys()].join(' or ')}: ${JSON.stringify(answer.body)}`;
    if (answer.mediaType === 'text/event-stream') return undefined;
    return this.#faultOf(schema, answer.body);
  }

  /** Where no operation is, there is a problem all the same: 404 or 405 mostly. */
  #faultOfUnknown({ status, mediaType, body }: GivenAnswer, isHead: boolean): string | undefined {
    if (status < 400 || status > 499) return 'an answer where nothing is described';
    if (mediaType !== 'application/problem+json') return `of type ${mediaType}`;
    if (isHead) return undefined;
    return this.#faultOf({ $ref: '#/components/schemas/Problem' }, body);
  }

  #faultOf(schema: SchemaForm, value: unknown): string | undefined {
    const validate = this.#ajv.compile(this.#compilable(schema));
    if (validate(value)) return undefined;
    const said = this.#ajv.errorsText(validate.errors, { dataVar: 'body' });
    return `${said} in ${JSON.stringify(value)?.slice(0, 500)}`;
  }

  readonly #compiled = new Map<SchemaForm, AnySchema>();

  /** Ajv knows a schema again by its identity. */
  #compilable(schema: SchemaForm): AnySchema {
    const known = this.#compiled.get(schema) ?? closed(pointingTo(schema));
    this.#compiled.set(schema, known);
    return known;
  }

  #resolved(response: OperationForm['responses'][string]) {
    if (!('$ref' in response)) return response;
    const found = this.document.components.responses[response.$ref.replace('#/components/responses/', '')];
    if (found === undefined) throw new Error(`${response.$ref} points to nothing`);
    return found;
  }
}

/** The path as the router compares it: without what follows, and decoded but for what would be a separator. */
function routed(target: string): string {
  const [path = ''] = target.split(/[?#]/, 1);
  try {
    return decodeURI(path);
  } catch {
    return path;
  }
}

function codesOf(problem: SchemaForm | undefined): readonly string[] {
  return problem === undefined ? [] : problemForm.parse(problem).properties.code.enum;
}

/** Schemas outside of the document point into it by its name. */
function pointingTo(schema: object): object {
  const text = JSON.stringify(schema).replaceAll('"$ref":"#/', '"$ref":"api#/');
  const pointing: object = JSON.parse(text);
  return pointing;
}

/** Objects have the fields that are described and no others. */
function closed(schema: object): object {
  const inner = Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [
      key,
      Array.isArray(value)
        ? value.map((each: unknown) => (isObject(each) ? closed(each) : each))
        : isObject(value)
          ? closed(value)
          : value,
    ]),
  );
  const isOpen = inner['type'] === 'object' && 'properties' in inner && !('additionalProperties' in inner);
  return isOpen ? { ...inner, additionalProperties: false } : inner;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
