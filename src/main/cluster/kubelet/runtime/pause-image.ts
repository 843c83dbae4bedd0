import { pack } from 'tar-stream';

/** The image of sandbox containers, made on the user's engine from the bytes below. */
export const pauseImage = 'gantry/pause:1';

/*
 * The program holds a pod's namespaces and does nothing else:
 *
 *   rt_sigaction(SIGCHLD, { SIG_IGN }, NULL, 8)      orphans that PID 1 inherits are reaped by the kernel
 *   rt_sigprocmask(SIG_BLOCK, { INT, TERM }, NULL, 8) a blocked signal is queued even for PID 1
 *   do rt_sigtimedwait({ INT, TERM }, NULL, NULL, 8) while it fails (EINTR)
 *   exit(0)
 *
 * So it ends at once on `docker stop`, needs no signal handler and no libc.
 */
const headerSize = 64 + 56;
const loadAddress = 0x400000;
const codeAddress = loadAddress + headerSize;

/** struct sigaction { SIG_IGN, 0, 0, 0 } of 32 bytes, then the signal set of 8. */
function data(): Buffer {
  const bytes = Buffer.alloc(40);
  bytes.writeBigUInt64LE(1n, 0);
  const int = 1n << 1n;
  const term = 1n << 14n;
  bytes.writeBigUInt64LE(int | term, 32);
  return bytes;
}

function amd64(): Buffer {
  const u32 = (value: number): number[] => [value & 255, (value >> 8) & 255, (value >> 16) & 255, (value >>> 24) & 255];
  const eax = (value: number): number[] => [0xb8, ...u32(value)];
  const edi = (value: number): number[] => [0xbf, ...u32(value)];
  const esi = (value: number): number[] => [0xbe, ...u32(value)];
  const clearEdx = [0x31, 0xd2];
  const r10is8 = [0x41, 0xba, ...u32(8)];
  const syscall = [0x0f, 0x05];
  const code = (action: number, set: number): number[] => {
    const wait = [...eax(128), ...edi(set), ...esi(0), ...clearEdx, ...r10is8, ...syscall];
    const testAndBranch = [0x85, 0xc0, 0x78]; // test eax, eax; js wait
    const back = -(wait.length + testAndBranch.length + 1) & 255;
    return [
      [...eax(13), ...edi(17), ...esi(action), ...clearEdx, ...r10is8, ...syscall],
      [...eax(14), ...edi(0), ...esi(set), ...clearEdx, ...r10is8, ...syscall],
      [...wait, ...testAndBranch, back],
      [...eax(60), ...edi(0), ...syscall],
    ].flat();
  };
  const length = code(0, 0).length;
  const dataAddress = codeAddress + length;
  return Buffer.concat([Buffer.from(code(dataAddress, dataAddress + 32)), data()]);
}

function arm64(): Buffer {
  const movz = (register: number, value: number): number => (0xd2800000 | (value << 5) | register) >>> 0;
  const movkHigh = (register: number, value: number): number => (0xf2a00000 | (value << 5) | register) >>> 0;
  const load = (register: number, address: number): number[] => [
    movz(register, address & 0xffff),
    movkHigh(register, (address >>> 16) & 0xffff),
  ];
  const svc = 0xd4000001;
  const call = (number: number): number[] => [movz(8, number), svc];
  const code = (action: number, set: number): number[] => {
    const wait = [...load(0, set), movz(1, 0), movz(2, 0), movz(3, 8), ...call(137)];
    const back = -wait.length & 0x7ffff;
    const branch = (0xb7f80000 | ((back & 0x3fff) << 5)) >>> 0; // tbnz x0, #63, wait
    return [
      [movz(0, 17), ...load(1, action), movz(2, 0), movz(3, 8), ...call(134)],
      [movz(0, 0), ...load(1, set), movz(2, 0), movz(3, 8), ...call(135)],
      [...wait, branch],
      [movz(0, 0), ...call(93)],
    ].flat();
  };
  const length = code(0, 0).length * 4;
  // The data is reached by 8-byte loads of the kernel only, which need no alignment.
  const dataAddress = codeAddress + length;
  const words = Buffer.alloc(length);
  code(dataAddress, dataAddress + 32).forEach((word, index) => words.writeUInt32LE(word, index * 4));
  return Buffer.concat([words, data()]);
}

/** A static ELF executable of one read-and-execute segment. @param architecture amd64 or arm64 */
export function pauseProgram(architecture: string): Buffer {
  const machines: Record<string, { id: number; body: () => Buffer }> = {
    amd64: { id: 62, body: amd64 },
    arm64: { id: 183, body: arm64 },
  };
  const machine = machines[architecture];
  if (!machine) throw new Error(`no sandbox program for the architecture ${architecture}: amd64 and arm64 are known`);
  const body = machine.body();
  const header = Buffer.alloc(headerSize);
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]); // ELF, 64 bit, little endian, version 1
  header.writeUInt16LE(2, 16); // executable
  header.writeUInt16LE(machine.id, 18);
  header.writeUInt32LE(1, 20);
  header.writeBigUInt64LE(BigInt(codeAddress), 24); // entry
  header.writeBigUInt64LE(64n, 32); // program headers start here
  header.writeUInt16LE(64, 52);
  header.writeUInt16LE(56, 54);
  header.writeUInt16LE(1, 56);
  const segment = header.subarray(64);
  segment.writeUInt32LE(1, 0); // PT_LOAD
  segment.writeUInt32LE(5, 4); // readable, executable
  segment.writeBigUInt64LE(0n, 8);
  segment.writeBigUInt64LE(BigInt(loadAddress), 16);
  segment.writeBigUInt64LE(BigInt(loadAddress), 24);
  segment.writeBigUInt64LE(BigInt(headerSize + body.length), 32);
  segment.writeBigUInt64LE(BigInt(headerSize + body.length), 40);
  segment.writeBigUInt64LE(0x10000n, 48);
  return Buffer.concat([header, body]);
}

/** The root file system of the sandbox image as a tar. */
export async function pauseImageTar(architecture: string): Promise<Buffer> {
  const tar = pack();
  tar.entry({ name: 'pause', mode: 0o755, mtime: new Date(0) }, pauseProgram(architecture));
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
