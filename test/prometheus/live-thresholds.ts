// Alert expressions without their thresholds: what they look at must be there before anything is wrong with it.

/**
 * `expression` with every comparison taken away that would hide what is compared: with a number, the comparison goes; with another
 * vector it becomes `bool`, which keeps what both sides have in common; `absent(x)` becomes x.
 */
export function withoutThresholds(expression: string): string {
  return expression
    .replaceAll(/\babsent\(([^()]*)\)/g, '$1')
    .replaceAll(/\s*(?:==|!=|>=|<=|>|<)\s*-?\d+(?:\.\d+)?(?=\s*(?:$|\)|and\b|or\b|unless\b|\n))/g, '')
    .replaceAll(/(\s)(==|!=|>=|<=|>|<)\s/g, '$1$2 bool ');
}
