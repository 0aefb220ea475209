/** For tests: runs programs over packets, and asks libpcap for its own. */
import { Linktype } from "../../../records.ts";
import { calculate } from "../lower_relation.ts";
import { ALU_CODES, Ancillary, Bpf, type Instruction, type Operator } from "../bpf.ts";

/** What the kernel knows beside the bytes. */
export interface PacketFacts {
  readonly wireLength: number;
  /** Of a tag that was taken out of the packet. */
  readonly vlanTag?: number;
  readonly packetType?: number;
  readonly interfaceIndex?: number;
  /** EtherType. */
  readonly protocol?: number;
  /** Where the network's header begins. */
  readonly networkAt?: number;
}

const operatorOf: ReadonlyMap<number, Operator> = new Map(
  Object.entries(ALU_CODES).map(([operator, code]) => [code, operator as Operator]),
);

/** SKF_NET_OFF, SKF_LL_OFF */
const fromNetwork = 0xfff00000;
const fromLink = 0xffe00000;

/** What the program returns: bytes to keep, 0 for a packet that does not pass; -1 when it reads beyond the end. */
export function runProgram(
  program: readonly Instruction[],
  bytes: Uint8Array,
  facts: PacketFacts,
): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const memory = new Array<number>(16).fill(0);
  let a = 0;
  let x = 0;
  const load = (size: number, at: number): number | null => {
    if (at >= Ancillary.protocol) return factAt(at, facts);
    if (at >= fromNetwork) return load(size, at - fromNetwork + (facts.networkAt ?? 0));
    if (at >= fromLink) return load(size, at - fromLink);
    if (at + size > bytes.length) return null;
    return size === 1 ? bytes[at] : size === 2 ? view.getUint16(at) : view.getUint32(at);
  };
  for (let at = 0;; at++) {
    const { code, jt, jf, k } = program[at];
    const operand = (code & Bpf.operandX) === 0 ? k : x;
    const size = (code & 0x18) === 0x10 ? 1 : (code & 0x18) === 0x08 ? 2 : 4;
    switch (code & 0x07) {
      case 0x00: {
        const mode = code & 0xe0;
        const loaded = mode === Bpf.loadImmediate
          ? k
          : mode === Bpf.loadMemory
          ? memory[k]
          : mode === Bpf.loadLength
          ? facts.wireLength
          : mode === 0x20
          ? load(size, k)
          : x + k > 0xffffffff
          ? null
          : load(size, x + k);
        if (loaded === null) return -1;
        a = loaded;
        break;
      }
      case 0x01: {
        if (code === Bpf.loadXHeaderLength) {
          const byte = load(1, k);
          if (byte === null) return -1;
          x = 4 * (byte & 15);
        } else x = code === Bpf.loadXMemory ? memory[k] : k;
        break;
      }
      case 0x02:
        memory[k] = a;
        break;
      case 0x03:
        memory[k] = x;
        break;
      case 0x04: {
        if (code === Bpf.negate) {
          a = -a >>> 0;
          break;
        }
        const operator = operatorOf.get(code & 0xf0)!;
        if ((operator === "/" || operator === "%") && operand === 0) return 0;
        a = calculate(operator, a, operand);
        break;
      }
      case 0x05: {
        if ((code & 0xf0) === 0) {
          at += k;
          break;
        }
        const relation = code & 0xf0;
        const holds = relation === 0x10
          ? a === operand
          : relation === 0x20
          ? a > operand
          : relation === 0x30
          ? a >= operand
          : (a & operand) !== 0;
        at += holds ? jt : jf;
        break;
      }
      case 0x06:
        return (code & 0x18) === 0x10 ? a : k;
      case 0x07:
        if ((code & 0x80) === 0) x = a;
        else a = x;
        break;
    }
  }
}

function factAt(at: number, facts: PacketFacts): number | null {
  switch (at) {
    case Ancillary.vlanTagPresent:
      return facts.vlanTag === undefined ? 0 : 1;
    case Ancillary.vlanTag:
      return facts.vlanTag ?? 0;
    case Ancillary.protocol:
      return facts.protocol ?? null;
    case Ancillary.packetType:
      return facts.packetType ?? 0;
    case Ancillary.interfaceIndex:
      return facts.interfaceIndex ?? 0;
    default:
      return null;
  }
}

/** A call of libpcap that the tests make beside those of the program. */
const symbols = {
  pcap_open_dead: { parameters: ["i32", "i32"], result: "pointer" },
  pcap_create: { parameters: ["buffer", "buffer"], result: "pointer" },
  pcap_activate: { parameters: ["pointer"], result: "i32" },
  pcap_compile: { parameters: ["pointer", "buffer", "buffer", "i32", "u32"], result: "i32" },
  pcap_freecode: { parameters: ["buffer"], result: "void" },
  pcap_geterr: { parameters: ["pointer"], result: "pointer" },
  pcap_close: { parameters: ["pointer"], result: "void" },
} as const;

/** DLT_RAW on Linux. */
const dltRaw = 12;

/** libpcap's compiler for packets of one link type. */
export class Reference {
  readonly #pcap = Deno.dlopen("libpcap.so.0.8", symbols);
  readonly #handle: Deno.PointerValue;

  /** `source`: a link type as in files, or a device that is opened. */
  constructor(source: number | string) {
    const { pcap_open_dead, pcap_create, pcap_activate } = this.#pcap.symbols;
    if (typeof source === "number") {
      this.#handle = pcap_open_dead(source === Linktype.raw ? dltRaw : source, 262_144);
      return;
    }
    this.#handle = pcap_create(cString(source), new Uint8Array(256));
    if (pcap_activate(this.#handle) < 0) throw new Error(`cannot open ${source}: ${this.#error()}`);
  }

  /** The program, or why it is refused. */
  compile(text: string, { isOptimized = true } = {}): Instruction[] | string {
    const program = new Uint8Array(16);
    const { pcap_compile, pcap_freecode } = this.#pcap.symbols;
    const optimize = isOptimized ? 1 : 0;
    if (pcap_compile(this.#handle, program, cString(text), optimize, 0xffffffff) < 0) {
      return this.#error();
    }
    const view = new DataView(program.buffer);
    const code = new Deno.UnsafePointerView(
      Deno.UnsafePointer.create(view.getBigUint64(8, true))!,
    );
    const instructions = Array.from({ length: view.getUint32(0, true) }, (_, index) => ({
      code: code.getUint16(8 * index),
      jt: code.getUint8(8 * index + 2),
      jf: code.getUint8(8 * index + 3),
      k: code.getUint32(8 * index + 4),
    }));
    pcap_freecode(program);
    return instructions;
  }

  close(): void {
    this.#pcap.symbols.pcap_close(this.#handle);
    this.#pcap.close();
  }

  #error(): string {
    const text = this.#pcap.symbols.pcap_geterr(this.#handle);
    return text === null ? "" : Deno.UnsafePointerView.getCString(text);
  }
}

function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}
