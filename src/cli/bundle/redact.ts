// Takes out of what leaves the machine whatever looks like a secret. Rather too much than too little: the one who reads it can ask.

const redacted = '[redacted]';

/** Keys of settings, metadata and topic configs whose values are not for others. */
const secretKey =
  /pass(?:word|wd|phrase)?$|secret|token|credential|api[-_.]?key|private|^auth|authorization|cookie/i;

/** `postgres://me:secret@host`, `?token=…`, `Bearer …`, wherever they stand. */
const patterns: readonly (readonly [RegExp, string])[] = [
  [/(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@"']+@/gi, `$1${redacted}@`],
  [/([?&;\s](?:password|passwd|pwd|token|secret|api[-_]?key|sslpassword)=)[^&;\s"']+/gi, `$1${redacted}`],
  [/(\b(?:bearer|basic)\s+)[A-Za-z0-9+/._~=-]{6,}/gi, `$1${redacted}`],
];

export class Redaction {
  private readonly known: readonly string[];

  /** `known`: secrets that are known word for word. */
  constructor(known: readonly string[]) {
    this.known = known.filter((secret) => secret !== '');
  }

  text(text: string): string {
    const without = this.known.reduce((rest, secret) => rest.replaceAll(secret, redacted), text);
    return patterns.reduce((rest, [pattern, by]) => rest.replace(pattern, by), without);
  }

  /** JSON of any shape. Under a key that looks secret nothing stays, whatever it is. */
  json(value: unknown): unknown {
    if (typeof value === 'string') return this.text(value);
    if (Array.isArray(value)) return value.map((each) => this.json(each));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, each]) => [
        this.text(key),
        secretKey.test(key) && each !== null ? redacted : this.json(each),
      ]),
    );
  }
}
