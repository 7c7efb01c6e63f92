// Why a copy does not begin, or does not open its target.

/** Something stands in the way that an operator can change; `message` says what. The target is not open to agents by it. */
export class CopyRefused extends Error {
  override readonly name = 'CopyRefused';
}
