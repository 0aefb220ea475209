/**
 * Classic BPF (McCanne and Jacobson 1993; Linux's Documentation/networking/filter.rst): instructions, and their bytes
 * as `struct sock_filter` of SO_ATTACH_FILTER and `struct bpf_insn` of libpcap have them:
 *
 *     code u16 | jt u8 | jf u8 | k u32      in the byte order of the host
 */

export interface Instruction {
  readonly code: number;
  /** Instructions that are skipped when a jump's test holds, and when it does not. */
  readonly jt: number;
  readonly jf: number;
  /** Unsigned, 32 bits. */
  readonly k: number;
}

/** Codes that the compiler makes; "Abs", "Ind" and the arithmetic take a size or an operand added to them. */
export const Bpf = {
  loadAbs: 0x20,
  loadInd: 0x40,
  loadLength: 0x80,
  loadImmediate: 0x00,
  loadMemory: 0x60,
  loadXImmediate: 0x01,
  loadXMemory: 0x61,
  /** X = 4 * (packet[k] & 15) */
  loadXHeaderLength: 0xb1,
  store: 0x02,
  alu: 0x04,
  negate: 0x84,
  jump: 0x05,
  jumpEqual: 0x15,
  jumpGreater: 0x25,
  jumpGreaterEqual: 0x35,
  jumpSet: 0x45,
  return: 0x06,
  aToX: 0x07,
  /** Added to arithmetic and jumps: the operand is X, not k. */
  operandX: 0x08,
} as const;

/** Added to loads, by bytes. */
export const SIZE_CODES = { 1: 0x10, 2: 0x08, 4: 0x00 } as const;
export type LoadSize = keyof typeof SIZE_CODES;

/** Added to `Bpf.alu`. */
export const ALU_CODES = {
  "+": 0x00,
  "-": 0x10,
  "*": 0x20,
  "/": 0x30,
  "|": 0x40,
  "&": 0x50,
  "<<": 0x60,
  ">>": 0x70,
  "%": 0x90,
  "^": 0xa0,
} as const;
export type Operator = keyof typeof ALU_CODES;

/** Scratch words, M[]. */
export const memoryWords = 16;

/** What the kernel takes (BPF_MAXINSNS). */
export const instructionCountMax = 4096;

/** Places of a packet's facts that are not in its bytes (SKF_AD_ of linux/filter.h), and of its network header. */
export const Ancillary = {
  protocol: 0xfffff000,
  packetType: 0xfffff004,
  interfaceIndex: 0xfffff008,
  vlanTag: 0xfffff02c,
  vlanTagPresent: 0xfffff030,
} as const;

const instructionBytes = 8;
const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

export function encodeInstructions(
  instructions: readonly Instruction[],
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(instructions.length * instructionBytes);
  const view = new DataView(bytes.buffer);
  instructions.forEach(({ code, jt, jf, k }, index) => {
    const at = index * instructionBytes;
    view.setUint16(at, code, isLittleEndian);
    view.setUint8(at + 2, jt);
    view.setUint8(at + 3, jf);
    view.setUint32(at + 4, k, isLittleEndian);
  });
  return bytes;
}
