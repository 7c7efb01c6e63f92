// Reads a Dockerfile: as much of the language as ours uses, and anything else fails.

const keywords = [
  'COPY',
  'RUN',
  'WORKDIR',
  'ENV',
  'USER',
  'VOLUME',
  'EXPOSE',
  'HEALTHCHECK',
  'ENTRYPOINT',
  'CMD',
] as const;

export interface Instruction {
  readonly keyword: (typeof keywords)[number];
  /** All behind the keyword, on one line. */
  readonly rest: string;
}

export interface Stage {
  /** An image, or the name of a stage above. */
  readonly base: string;
  readonly name: string | undefined;
  readonly instructions: readonly Instruction[];
}

/** The stages in their order. An instruction that is not known here throws. */
export function parseDockerfile(text: string): Stage[] {
  const stages: { base: string; name: string | undefined; instructions: Instruction[] }[] = [];
  const lines = text
    .replace(/^\s*#.*\n/gm, '')
    .replace(/\\\n\s*/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '');
  for (const line of lines) {
    const from = /^FROM (?<base>\S+)(?: AS (?<name>\S+))?$/.exec(line)?.groups;
    if (from !== undefined) {
      stages.push({ base: String(from['base']), name: from['name'], instructions: [] });
      continue;
    }
    const keyword = keywords.find((known) => line.startsWith(`${known} `));
    const stage = stages.at(-1);
    if (keyword === undefined || stage === undefined) throw new Error(`not understood: ${line}`);
    stage.instructions.push({ keyword, rest: line.slice(keyword.length + 1).trim() });
  }
  return stages;
}

/** What a Docker engine would send of `files`: the last pattern that fits decides. Patterns are paths, or `*` for all. */
export function letThrough(dockerignore: string, files: readonly string[]): string[] {
  const patterns = dockerignore.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return files.filter((file) => {
    let isIgnored = false;
    for (const pattern of patterns) {
      const isException = pattern.startsWith('!');
      const path = isException ? pattern.slice(1) : pattern;
      if (path !== '*' && /[*?[\\]/.test(path)) throw new Error(`not understood: ${pattern}`);
      if (path === '*' || file === path || file.startsWith(`${path}/`)) isIgnored = !isException;
    }
    return !isIgnored;
  });
}
