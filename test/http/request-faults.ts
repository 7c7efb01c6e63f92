// What is wrong with a request by the API's description, worked out without the program: the fuzz test holds the two against each other. May
// overlook a fault (a rule that no schema can say), never invents one.
import type { ApiDescription, Operation } from './api-description.ts';
import type { SchemaForm } from './openapi-form.ts';
import type { RawRequest } from './raw-request.ts';

const bodyBytesMax = 1_048_576;

export function faultOfRequest(
  api: ApiDescription,
  operation: Operation,
  request: RawRequest,
): string | undefined {
  const [path = '', query = ''] = request.path.split('?', 2);
  return (
    faultOfPath(api, operation, path) ??
    faultOfQuery(api, operation, query) ??
    (operation.method === 'GET' ? undefined : faultOfBody(api, operation, request))
  );
}

function faultOfPath(api: ApiDescription, operation: Operation, path: string): string | undefined {
  const given = path.split('/');
  const faults = operation.path.split('/').flatMap((part, i) => {
    const name = /^\{(.*)\}$/.exec(part)?.[1];
    const schema = operation.parameters.find((each) => each.in === 'path' && each.name === name)?.schema;
    if (schema === undefined) return [];
    return fitsAsText(api, schema, decodeURIComponent(given[i] ?? '')) ? [] : [`path parameter ${name}`];
  });
  return faults[0];
}

function faultOfQuery(api: ApiDescription, operation: Operation, query: string): string | undefined {
  const pairs = query.split('&').filter((pair) => pair !== '');
  const given = pairs.map((pair) => pair.split('=', 2).map(decodeURIComponent));
  for (const { name, schema, required } of operation.parameters.filter((each) => each.in === 'query')) {
    const values = given.filter(([key]) => key === name).map(([, value = '']) => value);
    if (values.length === 0 && required) return `query parameter ${name} is missing`;
    if (operation.isOpen) continue;
    if (values.length > 1) return `query parameter ${name} stands there twice`;
    if (values.some((value) => !fitsAsText(api, schema, value))) return `query parameter ${name}`;
  }
  const known = new Set(operation.parameters.filter((each) => each.in === 'query').map(({ name }) => name));
  const unknown = given.find(([name = '']) => !known.has(name));
  return unknown === undefined || operation.isOpen ? undefined : `no query parameter ${unknown[0]}`;
}

function faultOfBody(
  api: ApiDescription,
  { body: described }: Operation,
  { body = '', headers = {} }: RawRequest,
): string | undefined {
  const bytes = Buffer.from(body);
  if (bytes.length === 0) return described?.isRequired === true ? 'the body is missing' : undefined;
  if (!/^application\/json *(;|$)/i.test(headers['content-type'] ?? '')) return 'the content type';
  if (bytes.length > bodyBytesMax) return 'the body is too large';
  const value = parsed(bytes);
  if (value === notJson) return 'the body is not JSON';
  return described === undefined || api.fits(described.schema, value) ? undefined : 'the body';
}

const notJson = Symbol('not JSON');

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return notJson;
  }
}

/** In paths and queries a number is its digits, and a truth its name. */
function fitsAsText(api: ApiDescription, schema: SchemaForm, given: string): boolean {
  switch (schema['type']) {
    case 'integer':
      return /^\d+$/.test(given) && api.fits(schema, Number(given));
    case 'boolean':
      return given === 'true' || given === 'false';
    default:
      return api.fits(schema, given);
  }
}
