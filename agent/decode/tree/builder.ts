/**
 * Fields of a packet as a tree: each with its name as Wireshark has it, a value as text, and the bytes that it stands in.
 * What does not fit into the bytes that are there is left out; nothing here throws or reads behind its end.
 */
import { readText, readUint24 } from "../app_text.ts";
import {
  readUint16,
  readUint16LittleEndian,
  readUint32,
  readUint32LittleEndian,
} from "../bytes.ts";

/** Offsets count from the packet's first byte. */
export interface FieldNode {
  /** As Wireshark's display filters have it: "ip.ttl". */
  readonly name: string;
  readonly label: string;
  /** As Wireshark shows the bare value, then what it means in brackets: "6 (TCP)". Printable. */
  readonly value: string;
  readonly offset: number;
  readonly length: number;
  readonly children: readonly FieldNode[];
}

export interface LayerNode {
  readonly name: string;
  readonly label: string;
  /** The header in a few words; printable. */
  readonly summary: string;
  readonly offset: number;
  readonly length: number;
  readonly fields: readonly FieldNode[];
  /** Fields are missing: the header goes on behind the bytes that are there, or has more fields than are shown. */
  readonly isCut: boolean;
}

/** What may still be added to a tree, which hostile bytes could make very large. */
export interface Budget {
  fields: number;
}

const textMax = 512;
const hexMax = 48;

export class FieldBuilder {
  readonly bytes: Uint8Array;
  readonly end: number;
  readonly fields: FieldNode[] = [];
  readonly budget: Budget;
  /** Where the next field begins. */
  at: number;
  isCut = false;

  constructor(bytes: Uint8Array, at: number, end: number, budget: Budget) {
    this.bytes = bytes;
    this.at = Math.min(at, bytes.length);
    this.end = Math.max(this.at, Math.min(end, bytes.length));
    this.budget = budget;
  }

  get left(): number {
    return this.end - this.at;
  }

  /** Adds a field of `length` bytes and goes behind it; false, and nothing more comes, when it does not fit. */
  add(name: string, label: string, length: number, value: string): boolean {
    if (!this.#fits(length)) return false;
    this.#push({ name, label, value, offset: this.at, length, children: [] });
    this.at += length;
    return true;
  }

  /** Adds a field whose bytes are told apart from the position, which stays: bits of a field, or one that overlaps. */
  mark(name: string, label: string, offset: number, length: number, value: string): void {
    if (offset < 0 || length < 0 || offset + length > this.end) return;
    this.#push({ name, label, value, offset, length, children: [] });
  }

  /** Adds a field of `length` bytes (cut to what is there) that holds what `fill` adds. */
  group(
    name: string,
    label: string,
    length: number,
    fill: (inner: FieldBuilder) => string,
  ): void {
    if (this.budget.fields <= 0) return this.#cut();
    const offset = this.at;
    const there = Math.min(Math.max(0, length), this.left);
    const inner = new FieldBuilder(this.bytes, offset, offset + there, this.budget);
    this.budget.fields--;
    const value = fill(inner);
    this.fields.push({ name, label, value, offset, length: there, children: inner.fields });
    this.at = offset + there;
    if (there < length) this.#cut();
    else if (inner.isCut && this.budget.fields <= 0) this.isCut = true;
  }

  /** Numbers of 8 to 32 bits, big-endian; -1 when they are not there. */
  u8(name: string, label: string, show: (value: number) => string = String): number {
    return this.#number(name, label, 1, show, this.left >= 1 ? this.bytes[this.at] : -1);
  }
  u16(name: string, label: string, show: (value: number) => string = String): number {
    return this.#number(
      name,
      label,
      2,
      show,
      this.left >= 2 ? readUint16(this.bytes, this.at) : -1,
    );
  }
  u24(name: string, label: string, show: (value: number) => string = String): number {
    return this.#number(
      name,
      label,
      3,
      show,
      this.left >= 3 ? readUint24(this.bytes, this.at) : -1,
    );
  }
  u32(name: string, label: string, show: (value: number) => string = String): number {
    return this.#number(
      name,
      label,
      4,
      show,
      this.left >= 4 ? readUint32(this.bytes, this.at) : -1,
    );
  }
  /** The same, least significant byte first. */
  u16le(name: string, label: string, show: (value: number) => string = String): number {
    const value = this.left >= 2 ? readUint16LittleEndian(this.bytes, this.at) : -1;
    return this.#number(name, label, 2, show, value);
  }
  u32le(name: string, label: string, show: (value: number) => string = String): number {
    const value = this.left >= 4 ? readUint32LittleEndian(this.bytes, this.at) : -1;
    return this.#number(name, label, 4, show, value);
  }

  /** Bytes as hexadecimal digits, the first of them when there are many. */
  hex(name: string, label: string, length: number): boolean {
    return this.add(name, label, length, hexOf(this.bytes, this.at, this.#stop(length)));
  }

  text(name: string, label: string, length: number): boolean {
    return this.add(
      name,
      label,
      length,
      readText(this.bytes, this.at, this.#stop(length), textMax),
    );
  }

  /** What is left, as a field. */
  rest(name: string, label: string): void {
    if (this.left > 0) this.add(name, label, this.left, countOf(this.left));
  }

  #stop(length: number): number {
    return Math.min(this.end, this.at + Math.max(0, length));
  }

  #number(
    name: string,
    label: string,
    length: number,
    show: (value: number) => string,
    value: number,
  ): number {
    return this.add(name, label, length, value < 0 ? "" : show(value)) ? value : -1;
  }

  #fits(length: number): boolean {
    if (length >= 0 && length <= this.left && this.budget.fields > 0) return true;
    this.#cut();
    return false;
  }

  #push(field: FieldNode): void {
    if (this.budget.fields <= 0) return;
    this.budget.fields--;
    this.fields.push(field);
  }

  /** Nothing more comes: what would follow is not where it seems. */
  #cut(): void {
    this.isCut = true;
    this.at = this.end;
  }
}

/** "0x0800". */
export function hex(value: number, digits: number): string {
  return `0x${value.toString(16).padStart(digits, "0")}`;
}

/** Hexadecimal digits of the bytes, cut with "…" behind many. */
function hexOf(bytes: Uint8Array, at: number, end: number): string {
  const stop = Math.min(end, at + hexMax);
  let text = "";
  for (let i = at; i < stop; i++) text += bytes[i].toString(16).padStart(2, "0");
  return stop < end ? `${text}…` : text;
}

/** "17 bytes". */
export function countOf(count: number): string {
  return count === 1 ? "1 byte" : `${count} bytes`;
}

/** A number as `show` has it, with its name behind it where it has one. */
export function named(
  names: Readonly<Record<number, string>>,
  show: (value: number) => string = String,
): (value: number) => string {
  return (value) => names[value] === undefined ? show(value) : `${show(value)} (${names[value]})`;
}

/** "1" or "0" of a bit, as Wireshark shows it. */
export function bit(value: number, mask: number): string {
  return (value & mask) !== 0 ? "1 (set)" : "0 (not set)";
}
