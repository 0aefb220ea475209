/**
 * Which thread a packet goes to: a program for PACKET_FANOUT_CBPF, of whose result the kernel takes the remainder. It goes by
 * both IP addresses together, so both directions of a flow, all its fragments and the two ends' other flows come to one
 * thread; what is not IP goes to the first. The kernel's own hash takes ports in, which fragments have not.
 */
import {
  ALU_CODES,
  Ancillary,
  Bpf,
  encodeInstructions,
  type Instruction,
  SIZE_CODES,
} from "./filter/bpf.ts";
import { EtherType } from "./filter/names.ts";

/** SKF_NET_OFF and SKF_LL_OFF: places from the network's and from the link's header, wherever they are. */
const fromNetwork = 0xfff00000;
const fromLink = 0xffe00000;
const returnA = 0x16;
const tagBytes = 4;
/** In an Ethernet frame. */
const typeAt = 12;
/** Of PPPoE: its header, and the numbers of IP behind it. */
const pppAt = 6;
const pppIp = 0x21;
const pppIp6 = 0x57;
/** 2^32 / golden ratio (Knuth, The Art of Computer Programming, volume 3, section 6.4). */
const spread = 0x9e3779b1;
const upperBits = 16;
const scratch = 0;

/** Rows of `struct sock_filter`. */
export function fanoutProgram(): Uint8Array<ArrayBuffer> {
  const ip6Words = [8, 12, 16, 20, 24, 28, 32, 36];
  return encodeInstructions([
    ...loadHalf(Ancillary.protocol),
    ...when(EtherType.ip, hashOf(fromNetwork, [12, 16])),
    ...when(EtherType.ip6, hashOf(fromNetwork, ip6Words)),
    ...when(EtherType.pppoeSession, [
      ...loadHalf(fromNetwork + pppAt),
      ...when(pppIp, hashOf(fromNetwork + pppAt + 2, [12, 16])),
      ...when(pppIp6, hashOf(fromNetwork + pppAt + 2, ip6Words)),
      ...firstThread,
    ]),
    // A tag that is in the frame: the kernel has taken out another, or the frame is on its way out.
    ...when(EtherType.vlan, tagged(ip6Words)),
    ...when(EtherType.serviceVlan, tagged(ip6Words)),
    ...when(EtherType.oldServiceVlan, tagged(ip6Words)),
    ...firstThread,
  ]);
}

const firstThread: readonly Instruction[] = [plain(Bpf.return, 0)];

/** One tag, or two. */
function tagged(ip6Words: readonly number[]): Instruction[] {
  const innerAt = typeAt + tagBytes;
  const behind = (at: number) => [
    ...when(EtherType.ip, hashOf(fromLink + at + 2, [12, 16])),
    ...when(EtherType.ip6, hashOf(fromLink + at + 2, ip6Words)),
  ];
  return [
    ...loadHalf(fromLink + innerAt),
    ...behind(innerAt),
    ...when(EtherType.vlan, [
      ...loadHalf(fromLink + innerAt + tagBytes),
      ...behind(innerAt + tagBytes),
      ...firstThread,
    ]),
    ...firstThread,
  ];
}

/** Returns what the words come to; the order of the addresses makes no difference. */
function hashOf(header: number, words: readonly number[]): Instruction[] {
  const [first, ...others] = words;
  return [
    plain(Bpf.loadAbs + SIZE_CODES[4], header + first),
    ...others.flatMap((word) => [
      plain(Bpf.store, scratch),
      plain(Bpf.loadAbs + SIZE_CODES[4], header + word),
      plain(Bpf.loadXMemory, scratch),
      plain(Bpf.alu + ALU_CODES["^"] + Bpf.operandX, 0),
    ]),
    plain(Bpf.alu + ALU_CODES["*"], spread),
    plain(Bpf.alu + ALU_CODES[">>"], upperBits),
    plain(returnA, 0),
  ];
}

/** Goes through `then`, which returns, when A is `value`, else passes it over. */
function when(value: number, then: readonly Instruction[]): Instruction[] {
  return [{ code: Bpf.jumpEqual, jt: 0, jf: then.length, k: value }, ...then];
}

function loadHalf(at: number): Instruction[] {
  return [plain(Bpf.loadAbs + SIZE_CODES[2], at)];
}

function plain(code: number, k: number): Instruction {
  return { code, jt: 0, jf: 0, k };
}
