// Which file systems SQLite must not be put on: those of a network, whose locks and shared memory do not reach other machines.

/** Magic numbers of statfs(2), as Linux gives them. Elsewhere they mean something else, and nothing is found. */
const networked: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB 2'],
  [0x01021997, '9p'],
  [0x00c36400, 'Ceph'],
  [0x5346414f, 'AFS'],
  [0x0bd00bd0, 'Lustre'],
]);

/** What is wrong with a file system of this type; undefined when nothing is known to be. */
export function fileSystemProblem(type: number, platform: string = process.platform): string | undefined {
  if (platform !== 'linux') return undefined;
  // The kernel's number is signed on some machines.
  const name = networked.get(type >>> 0);
  return name === undefined
    ? undefined
    : `${name}, a network file system: its locks do not hold between machines`;
}
