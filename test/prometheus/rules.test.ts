// The alerts, held against the program (they name what it shows), the runbook (each has its section) and Prometheus itself (they fire
// when they should). An alert on a name that nobody shows is silent for ever, which is worse than none.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, inject, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { exposition } from './exposition.ts';
import { namedIn } from './expression.ts';
import { unknownIn } from './unknown.ts';

const execute = promisify(execFile);
const project = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string): string => readFileSync(join(project, path), 'utf8');

const ruleForm = z.strictObject({
  alert: z.string(),
  expr: z.string(),
  for: z.string().optional(),
  labels: z.strictObject({ severity: z.enum(['critical', 'warning']) }),
  annotations: z.strictObject({ summary: z.string(), description: z.string(), runbook_url: z.string() }),
});
const rulesForm = z.object({
  groups: z.tuple([z.object({ name: z.string(), rules: z.array(ruleForm) })]),
});
type Rule = z.infer<typeof ruleForm>;

const rulesText = read('prometheus/rules/streamhouse.yml');
const ruleTests = z
  .looseObject({ tests: z.array(z.looseObject({})) })
  .parse(parse(read('prometheus/rules/streamhouse.test.yml')));
const { rules } = rulesForm.parse(parse(rulesText)).groups[0];
const each = rules.map((rule) => ({ name: rule.alert, rule }));
const shown = await exposition();

describe('every alert', () => {
  test('has a name of its own', () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
  });

  test('has a section of its name in the runbook, in the same order, and no section is without one', () => {
    const sections = [...read('docs/runbook.md').matchAll(/^## (StreamHouse\w+)$/gm)].map(([, name]) => name);
    expect(sections).toEqual(rules.map(({ alert }) => alert));
  });

  test.each(each)('$name leads to its section', ({ rule }) => {
    expect(rule.annotations.runbook_url).toBe(`docs/runbook.md#${rule.alert.toLowerCase()}`);
  });

  test.each(each)('$name names only metrics and labels that exist', ({ rule }) => {
    expect(unknownIn(rule.expr, shown)).toEqual([]);
  });

  test.each(each)('$name says in its words only what its expression keeps', ({ rule }) => {
    const { labels } = namedIn(rule.expr);
    const words = Object.values(rule.annotations).join(' ');
    const used = [...words.matchAll(/\$labels\.(\w+)/g)].map(([, label = '']) => label);
    expect(used.filter((label) => !labels.includes(label))).toEqual([]);
  });
});

test.each([
  { expr: 'streamhouse_agent > 0', unknown: 'no metric streamhouse_agent' },
  { expr: 'streamhouse_leases_held{state="x"} > 0', unknown: 'no label state of streamhouse_leases_held' },
  {
    expr: 'streamhouse_partitions{state="vacant"} > 0',
    unknown: 'no streamhouse_partitions with state="vacant"',
  },
  { expr: 'sum by (agent) (streamhouse_leases_held)', unknown: 'no label agent of any of its metrics' },
])('a rule that is misspelt is noticed: $expr', ({ expr, unknown }) => {
  expect(unknownIn(expr, shown)).toEqual([unknown]);
});

test("Prometheus loads the rules from where docker-compose.yml mounts them, and not the rules' tests", () => {
  const { rule_files: files } = z
    .object({ rule_files: z.array(z.string()) })
    .parse(parse(read('prometheus/prometheus.yml')));
  expect(files).toEqual(['rules/streamhouse.yml']);
  const { services } = z
    .object({ services: z.object({ prometheus: z.object({ volumes: z.array(z.string()) }) }) })
    .parse(parse(read('docker-compose.yml'), { merge: true }));
  expect(services.prometheus.volumes).toContain('./prometheus/rules:/etc/prometheus/rules:ro');
});

const binaries = inject('prometheusBinaries');

// Where Prometheus cannot be had, the closing lines of the run say so.
describe.each(binaries === null ? [] : [binaries])('as Prometheus reads them', ({ promtool }) => {
  const scratch = mkdtempSync(join(tmpdir(), 'streamhouse-rules-'));
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  test('the rules and the configuration that loads them are well formed', async () => {
    await execute(promtool, ['check', 'rules', join(project, 'prometheus/rules/streamhouse.yml')]);
    await execute(promtool, ['check', 'config', join(project, 'prometheus/prometheus.yml')]);
  });

  test('each alert fires when it should and is silent when it should be', async () => {
    await execute(promtool, ['test', 'rules', join(project, 'prometheus/rules/streamhouse.test.yml')]);
  });

  /** The alerts whose tests fail when the rules are changed so. */
  async function failingWith(change: (rule: Rule) => Rule): Promise<Set<string>> {
    const file = join(scratch, 'streamhouse.test.yml');
    // Those of one alert each; the scenarios ask for all of them together, and take longer.
    const tests = ruleTests.tests.filter((each) => 'alert_rule_test' in each);
    writeFileSync(file, stringify({ ...ruleTests, tests }));
    writeFileSync(
      join(scratch, 'streamhouse.yml'),
      stringify({ groups: [{ name: 'changed', rules: rules.map(change) }] }),
    );
    const said = await execute(promtool, ['test', 'rules', file]).then(
      () => '',
      ({ stderr }: { stderr: string }) => stderr,
    );
    return new Set([...said.matchAll(/alertname: (\w+), time/g)].map(([, name = '']) => name));
  }

  test('an alert that never fires is noticed', async () => {
    const failing = await failingWith((rule) => ({
      ...rule,
      expr: `(${rule.expr}) and on () vector(1) > 1`,
    }));
    expect([...failing].sort()).toEqual(rules.map(({ alert }) => alert).sort());
  });

  test('an alert that does not wait is noticed', async () => {
    const failing = await failingWith(({ for: _, ...rule }) => rule);
    const waiting = rules.filter((rule) => rule.for !== undefined);
    expect([...failing].sort()).toEqual(waiting.map(({ alert }) => alert).sort());
  });
});
