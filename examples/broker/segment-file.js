// What is in a segment's object: one record a line, as JSON, in the order of offsets.

/** @param {readonly unknown[]} records */
export function encode(records) {
  return Buffer.from(records.map((record) => `${JSON.stringify(record)}\n`).join(''));
}

/**
 * @param {Uint8Array} content
 * @returns {unknown[]}
 */
export function decode(content) {
  const lines = Buffer.from(content).toString('utf8').split('\n');
  return lines.slice(0, -1).map((line) => JSON.parse(line));
}

/**
 * With the epoch in it: no fence covers an upload, but a leader that is one no longer overwrites nobody's objects.
 *
 * @param {{ readonly topic: string, readonly partition: number, readonly epoch: number }} term
 * @param {number} baseOffset
 * @param {string} id
 */
export function keyOf({ topic, partition, epoch }, baseOffset, id) {
  return `${topic}/${partition}/${epoch}/${String(baseOffset).padStart(16, '0')}-${id}.seg`;
}
