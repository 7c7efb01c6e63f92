// A tar archive in memory (POSIX ustar): enough for a handful of small files, so that no package is needed for it.

export interface TarEntry {
  /** At most 100 bytes of ASCII. */
  readonly name: string;
  readonly content: Buffer;
}

const blockBytes = 512;

export function tarOf(entries: readonly TarEntry[], modifiedAtMs: number): Buffer {
  const blocks = entries.flatMap(({ name, content }) => [
    header(name, content.length, modifiedAtMs),
    content,
    Buffer.alloc((blockBytes - (content.length % blockBytes)) % blockBytes),
  ]);
  // Two empty blocks are the end.
  return Buffer.concat([...blocks, Buffer.alloc(2 * blockBytes)]);
}

function header(name: string, sizeBytes: number, modifiedAtMs: number): Buffer {
  if (Buffer.byteLength(name) > 100) throw new Error(`the name ${name} is too long for a tar archive`);
  const block = Buffer.alloc(blockBytes);
  const field = (offset: number, text: string): void => void block.write(text, offset, 'ascii');
  field(0, name);
  field(100, octal(0o600, 8));
  field(108, octal(0, 8)); // owner
  field(116, octal(0, 8)); // group
  field(124, octal(sizeBytes, 12));
  field(136, octal(Math.floor(modifiedAtMs / 1000), 12));
  field(148, ' '.repeat(8)); // the checksum counts itself as blanks
  field(156, '0'); // a file
  field(257, 'ustar\u000000');
  const checksum = block.reduce((sum, byte) => sum + byte, 0);
  field(148, `${checksum.toString(8).padStart(6, '0')}\u0000 `);
  return block;
}

/** Digits and a NUL. */
function octal(value: number, width: number): string {
  return `${value.toString(8).padStart(width - 1, '0')}\u0000`;
}
