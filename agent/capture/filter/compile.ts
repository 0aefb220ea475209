/**
 * Capture filters without libpcap: pcap-filter(7)'s language to a program that the kernel runs over each packet.
 *
 *     text -> words -> tree (parse) -> conditions (lower, layers) -> graph of tests -> instructions (emit)
 *
 * What libpcap makes of the same text has the same verdict on every packet; what is refused says where and why.
 */
import { encodeInstructions, type Instruction } from "./bpf.ts";
import { emit } from "./emit.ts";
import { buildGraph } from "./graph.ts";
import { Layers, type PacketForm } from "./layers.ts";
import { EVERYTHING, lower } from "./lower.ts";
import { parseFilter } from "./parse.ts";

interface FilterTarget extends PacketForm {
  /** Bytes that are kept of a packet that passes. */
  readonly snaplen: number;
}

/** Throws FilterError. */
export function compileFilter(text: string, target: FilterTarget): Instruction[] {
  const tree = parseFilter(text);
  const layers = new Layers(target);
  const condition = tree === null ? EVERYTHING : lower(tree, layers);
  return emit(buildGraph(condition), target.snaplen);
}

/** The program as the bytes of `struct sock_filter[]`, for SO_ATTACH_FILTER of a packet socket. Throws FilterError. */
export function compileSocketFilter(
  text: string,
  target: Omit<FilterTarget, "isLive">,
): Uint8Array<ArrayBuffer> {
  return encodeInstructions(compileFilter(text, { ...target, isLive: true }));
}
