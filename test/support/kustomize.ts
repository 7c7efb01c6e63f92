// What a kustomization makes of its files: as much of kustomize as deploy/kubernetes uses, and anything else fails.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';

const target = z.object({ kind: z.string(), name: z.string() });
const kustomizationForm = z.strictObject({
  apiVersion: z.literal('kustomize.config.k8s.io/v1beta1'),
  kind: z.literal('Kustomization'),
  resources: z.array(z.string()),
  patches: z.array(z.strictObject({ path: z.string(), target })).default([]),
  labels: z.array(z.strictObject({ pairs: z.record(z.string(), z.string()) })).default([]),
  images: z.array(z.strictObject({ name: z.string(), newName: z.string(), newTag: z.string() })).default([]),
});
const objectForm = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string() }),
});
const operations = z.array(
  z.discriminatedUnion('op', [
    z.strictObject({ op: z.literal('test'), path: z.string(), value: z.unknown() }),
    z.strictObject({ op: z.literal('add'), path: z.string(), value: z.unknown() }),
    z.strictObject({ op: z.literal('move'), path: z.string(), from: z.string() }),
  ]),
);

export type KubernetesObject = z.infer<typeof objectForm>;
type Operation = z.infer<typeof operations>[number];

/** The documents of a YAML file; a mistake or a repeated key in it throws. */
export function readDocuments(file: string): unknown[] {
  const documents = parseAllDocuments(readFileSync(file, 'utf8'), { version: '1.1' });
  return [...documents].map((document) => {
    for (const problem of [...document.errors, ...document.warnings]) throw problem;
    const value: unknown = document.toJS();
    return value;
  });
}

/** The objects that `kubectl apply -k` would send. Labels are left out: none of ours means anything to the others. */
export function renderKustomization(directory: string): KubernetesObject[] {
  const { resources, patches, images } = kustomizationForm.parse(
    readDocuments(join(directory, 'kustomization.yaml'))[0],
  );
  const objects = resources.flatMap((resource) => {
    const path = join(directory, resource);
    return resource.endsWith('.yaml')
      ? readDocuments(path).map((document) => objectForm.parse(document))
      : renderKustomization(path);
  });
  for (const { path, target: wanted } of patches) {
    const patched = objects.find(
      ({ kind, metadata }) => kind === wanted.kind && metadata.name === wanted.name,
    );
    if (patched === undefined) throw new Error(`${path} patches a ${wanted.kind} that is not there`);
    for (const operation of operations.parse(readDocuments(join(directory, path))[0]))
      apply(patched, operation);
  }
  const renamed = new Map(images.map(({ name, newName, newTag }) => [name, `${newName}:${newTag}`]));
  return objects.map((object) => objectForm.parse(withImages(object, renamed)));
}

/** RFC 6902, in place. */
function apply(object: unknown, operation: Operation): void {
  const { parent, key } = find(object, operation.path);
  if (operation.op === 'test') {
    if (parent[key] !== operation.value) throw new Error(`${operation.path} is not what the patch expects`);
    return;
  }
  if (operation.op === 'add') return insert(parent, key, operation.value);
  const from = find(object, operation.from);
  const [moved]: unknown[] = Array.isArray(from.parent)
    ? from.parent.splice(Number(from.key), 1)
    : [from.parent[from.key]];
  insert(parent, key, moved);
}

function insert(parent: Record<string, unknown>, key: string, value: unknown): void {
  if (Array.isArray(parent)) parent.splice(Number(key), 0, value);
  else parent[key] = value;
}

function find(object: unknown, path: string): { parent: Record<string, unknown>; key: string } {
  const keys = path.split('/').slice(1);
  const key = keys.pop() ?? '';
  let parent = object;
  for (const each of keys) parent = asContainer(parent, path)[each];
  return { parent: asContainer(parent, path), key };
}

function asContainer(value: unknown, path: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) throw new Error(`${path} leads nowhere`);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- lists too are read by key here
  return value as Record<string, unknown>;
}

function withImages(value: unknown, renamed: ReadonlyMap<string, string>): unknown {
  if (Array.isArray(value)) return value.map((each) => withImages(each, renamed));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [
      key,
      key === 'image' ? (renamed.get(String(each)) ?? each) : withImages(each, renamed),
    ]),
  );
}
