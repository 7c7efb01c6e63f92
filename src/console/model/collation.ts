// The order of names as people expect it: numbers in them by size.

const collator = new Intl.Collator('en', { numeric: true });

export function compareNames(a: string, b: string): number {
  return collator.compare(a, b);
}
