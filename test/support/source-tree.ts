// The project's sources as the tidy rules see them: which file imports what, on which line, and which globals it
// uses. Read from the syntax tree, so that comments and strings are never mistaken for code.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix, sep } from 'node:path';
import { parseAst } from 'vitest/node';

/** What an import names: a file (path from the root, such as `src/domain/lease.ts`), a Node module or a package. */
export type ImportTarget =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'node'; readonly name: string }
  | { readonly kind: 'package'; readonly name: string };

export interface SourceImport {
  readonly line: number;
  readonly target: ImportTarget;
  /** Of types alone: nothing of it is there when the program runs. */
  readonly isOfTypes: boolean;
}

/**
 * A mention worth a rule: a dotted name (`process.env`), a called global (`setTimeout`), `export default`, a named statement of the store
 * (`statement 'reap_session'`).
 */
export interface SourceMention {
  readonly line: number;
  readonly name: string;
}

export interface SourceFile {
  /** From the root, with forward slashes. */
  readonly path: string;
  readonly lines: readonly string[];
  readonly imports: readonly SourceImport[];
  readonly mentions: readonly SourceMention[];
}

/** All `src/**\/*.ts` and `.tsx` below the root, in path order; empty if there is no src. */
export function readSourceTree(root: string): SourceFile[] {
  if (!existsSync(join(root, 'src'))) return [];
  return readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .map((name) => posix.join('src', name.split(sep).join('/')))
    .filter((path) => /\.tsx?$/.test(path))
    .sort()
    .map((path) => parseSource(path, readFileSync(join(root, path), 'utf8')));
}

function parseSource(path: string, source: string): SourceFile {
  const imports: SourceImport[] = [];
  const mentions: SourceMention[] = [];
  for (const node of nodesOf(parseAst(source, { lang: path.endsWith('x') ? 'tsx' : 'ts' }))) {
    const line = source.slice(0, node.start).split('\n').length;
    const specifier = specifierOf(node);
    if (specifier !== undefined)
      imports.push({ line, target: targetOf(path, specifier), isOfTypes: isOfTypes(node) });
    for (const name of mentionsIn(node)) mentions.push({ line, name });
  }
  return { path, lines: source.split('\n'), imports, mentions };
}

function targetOf(importer: string, specifier: string): ImportTarget {
  if (specifier.startsWith('.')) {
    return { kind: 'file', path: posix.join(posix.dirname(importer), specifier) };
  }
  if (specifier.startsWith('node:')) return { kind: 'node', name: specifier };
  const depth = specifier.startsWith('@') ? 2 : 1;
  return { kind: 'package', name: specifier.split('/').slice(0, depth).join('/') };
}

interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly [field: string]: unknown;
}

function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && 'type' in value && 'start' in value;
}

function* nodesOf(value: unknown): Generator<SyntaxNode> {
  if (Array.isArray(value)) {
    for (const item of value) yield* nodesOf(item);
  } else if (isNode(value)) {
    yield value;
    for (const field of Object.values(value)) yield* nodesOf(field);
  }
}

/** The module that a static, dynamic or type import or a re-export names. */
function specifierOf(node: SyntaxNode): string | undefined {
  const isImport = /^(ImportDeclaration|ImportExpression|TSImportType|Export(Named|All)Declaration)$/;
  if (!isImport.test(node.type)) return undefined;
  return isNode(node['source']) ? literalOf(node['source']) : undefined;
}

/** `import type …`, `export type …` and `import('…').T` as a type. */
function isOfTypes(node: SyntaxNode): boolean {
  return node.type === 'TSImportType' || node['importKind'] === 'type' || node['exportKind'] === 'type';
}

function mentionsIn(node: SyntaxNode): string[] {
  switch (node.type) {
    case 'MemberExpression':
      return dotted(node);
    case 'CallExpression':
      return [...nameOf(node['callee']), ...statementsIn(node)];
    case 'NewExpression': {
      const isBare = Array.isArray(node['arguments']) && node['arguments'].length === 0;
      return isBare ? nameOf(node['callee']).map((name) => `new ${name}()`) : [];
    }
    case 'VariableDeclarator':
      return destructured(node['id'], nameOf(node['init']));
    case 'ExportDefaultDeclaration':
      return ['export default'];
    case 'ExportSpecifier':
      return nameOf(node['exported']).includes('default') ? ['export default'] : [];
    default:
      return [];
  }
}

function statementsIn({ callee, arguments: given }: SyntaxNode): string[] {
  const name = Array.isArray(given) && nameOf(callee).includes('statement') ? literalOf(given[0]) : undefined;
  return name === undefined ? [] : [`statement '${name}'`];
}

/** `process.env` and `process['env']` alike. */
function dotted(member: SyntaxNode): string[] {
  const property = member['property'];
  const names = member['computed'] === true ? [literalOf(property) ?? ''] : nameOf(property);
  return nameOf(member['object']).flatMap((object) => names.map((name) => `${object}.${name}`));
}

/** `const { env } = process` mentions `process.env`. */
function destructured(pattern: unknown, objects: readonly string[]): string[] {
  if (!isNode(pattern) || pattern.type !== 'ObjectPattern' || !Array.isArray(pattern['properties']))
    return [];
  const keys = pattern['properties'].flatMap((property) => (isNode(property) ? nameOf(property['key']) : []));
  return objects.flatMap((object) => keys.map((key) => `${object}.${key}`));
}

function nameOf(node: unknown): string[] {
  return isNode(node) && node.type === 'Identifier' && typeof node['name'] === 'string' ? [node['name']] : [];
}

function literalOf(node: unknown): string | undefined {
  return isNode(node) && typeof node['value'] === 'string' ? node['value'] : undefined;
}
