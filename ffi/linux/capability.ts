/** Capabilities of the calling thread, capabilities(7); other threads have their own. */
import { checkCall, libc } from "./libc.ts";

/** linux/capability.h: bits of the sets. */
export const CAP_NET_RAW = 13;
export const CAP_NET_ADMIN = 12;
export const CAP_SYS_PTRACE = 19;
export const CAP_DAC_READ_SEARCH = 2;

/** _LINUX_CAPABILITY_VERSION_3: two words a set, effective, permitted, inheritable. */
const version3 = 0x20080522;

export interface Capabilities {
  readonly effective: bigint;
  readonly permitted: bigint;
  readonly inheritable: bigint;
}

export function readCapabilities(): Capabilities {
  const data = new Uint32Array(6);
  checkCall("capget", libc().capget(header(), bytes(data)));
  const set = (index: number) => BigInt(data[index]!) | BigInt(data[index + 3]!) << 32n;
  return { effective: set(0), permitted: set(1), inheritable: set(2) };
}

/** Throws Error for what the thread may not have. */
export function writeCapabilities({ effective, permitted, inheritable }: Capabilities): void {
  const sets = [effective, permitted, inheritable];
  const data = Uint32Array.from(
    [...sets.map((set) => set & 0xffffffffn), ...sets.map((set) => set >> 32n)].map(Number),
  );
  checkCall("capset", libc().capset(header(), bytes(data)));
}

/** Runs `use` with a capability that the thread may have but has laid down; without it, as it is. */
export function withCapability<T>(bit: number, use: () => T): T {
  const before = readCapabilities();
  const mask = 1n << BigInt(bit);
  const isLaidDown = (before.permitted & mask) !== 0n && (before.effective & mask) === 0n;
  if (!isLaidDown) return use();
  writeCapabilities({ ...before, effective: before.effective | mask });
  try {
    return use();
  } finally {
    writeCapabilities(before);
  }
}

/** Process id 0 is the calling thread. */
function header(): Uint8Array<ArrayBuffer> {
  return bytes(Uint32Array.of(version3, 0));
}

function bytes(words: Uint32Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(words.buffer);
}
