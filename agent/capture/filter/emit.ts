/** The graph of tests as instructions: loads that are not needed again are left out, jumps reach as far as they must. */
import {
  ALU_CODES,
  Bpf,
  type Instruction,
  instructionCountMax,
  memoryWords,
  SIZE_CODES,
} from "./bpf.ts";
import type { Field, Term, Test } from "./condition.ts";
import { FilterError } from "./filter_error.ts";
import { inOrder, type Node, termKey, type TestNode } from "./graph.ts";

const allBits = 0xffffffff;
/** `jt` and `jf` are bytes. */
const reachMax = 255;

/** `acceptedBytes` is what the kernel keeps of a packet that passes. Throws FilterError. */
export function emit(root: Node, acceptedBytes: number): Instruction[] {
  const order = inOrder(root);
  const entries = registersAt(order);
  const code = new Backwards(acceptedBytes);
  for (const node of order.toReversed()) {
    if (node.op === "test") code.addTest(node, entries.get(node)!);
    else code.addReturn(node);
  }
  const instructions = code.finish();
  if (instructions.length <= instructionCountMax) return instructions;
  throw new FilterError(
    1,
    `it needs ${instructions.length} instructions, and the kernel takes ${instructionCountMax}`,
  );
}

/** What the registers hold, as keys of terms; null when that depends on the way. */
interface Registers {
  readonly a: string | null;
  /** The IPv4 header whose length X holds. */
  readonly x: number | null;
}

const unknown: Registers = { a: null, x: null };

function registersAt(order: readonly Node[]): Map<Node, Registers> {
  const entries = new Map<Node, Registers>([[order[0], unknown]]);
  for (const node of order) {
    if (node.op === "return") continue;
    const after = emitTest(node.test, entries.get(node)!).registers;
    for (const target of [node.yes, node.no]) {
      const before = entries.get(target);
      entries.set(target, before === undefined ? after : shared(before, after));
    }
  }
  return entries;
}

function shared(one: Registers, other: Registers): Registers {
  return {
    a: one.a === other.a ? one.a : null,
    x: one.x === other.x ? one.x : null,
  };
}

/** Instructions from the last to the first: so each jump knows where it leads. */
class Backwards {
  readonly #acceptedBytes: number;
  readonly #reversed: Instruction[] = [];
  /** How many instructions there are from a node's first to the end. */
  readonly #starts = new Map<Node, number>();

  constructor(acceptedBytes: number) {
    this.#acceptedBytes = acceptedBytes;
  }

  addReturn(node: Node & { op: "return" }): void {
    this.#reversed.push(this.#returning(node));
    this.#starts.set(node, this.#reversed.length);
  }

  addTest(node: TestNode, entry: Registers): void {
    const { before, code, k, isInverted } = emitTest(node.test, entry);
    const [holds, fails] = isInverted ? [node.no, node.yes] : [node.yes, node.no];
    // A jump of its own, right behind the test, leads where eight bits do not reach.
    const far = [holds, fails].filter((target) => this.#distance(target) > reachMax - 2);
    const steps = new Map<Node, number>();
    for (const target of new Set(far)) {
      this.#reversed.push(
        target.op === "return"
          ? this.#returning(target)
          : { code: Bpf.jump, jt: 0, jf: 0, k: this.#distance(target) },
      );
      steps.set(target, this.#reversed.length);
    }
    const distance = (target: Node) =>
      this.#reversed.length - (steps.get(target) ?? this.#starts.get(target)!);
    this.#reversed.push({ code, jt: distance(holds), jf: distance(fails), k });
    for (const instruction of before.toReversed()) this.#reversed.push(instruction);
    this.#starts.set(node, this.#reversed.length);
  }

  finish(): Instruction[] {
    return this.#reversed.toReversed();
  }

  #distance(target: Node): number {
    return this.#reversed.length - this.#starts.get(target)!;
  }

  #returning(node: Node & { op: "return" }): Instruction {
    return { code: Bpf.return, jt: 0, jf: 0, k: node.isAccepted ? this.#acceptedBytes : 0 };
  }
}

interface EmittedTest {
  readonly before: readonly Instruction[];
  /** Of the jump. */
  readonly code: number;
  readonly k: number;
  /** The jump's test holds when the asked one does not. */
  readonly isInverted: boolean;
  readonly registers: Registers;
}

function emitTest(test: Test, entry: Registers): EmittedTest {
  const { left, mask, relation, right } = test;
  const isZeroTest = relation === "=" && right.op === "number" && right.value === 0 &&
    mask !== allBits;
  const isBitTest = relation === "any bit of" || isZeroTest;
  const out = new Loader(entry);
  if (right.op !== "number") out.save(right, 0);
  const free = right.op === "number" ? 0 : 1;
  if (mask === allBits || isBitTest) out.load(left, free);
  else out.loadMasked(left, mask, free);
  if (right.op !== "number") out.restoreX(0);
  const { instructions: before, registers } = out;
  if (isBitTest) {
    const k = isZeroTest ? mask : (right as Term & { op: "number" }).value & mask;
    return { before, code: Bpf.jumpSet, k: k >>> 0, isInverted: isZeroTest, registers };
  }
  const code = relation === "="
    ? Bpf.jumpEqual
    : relation === ">"
    ? Bpf.jumpGreater
    : Bpf.jumpGreaterEqual;
  const [operand, k] = right.op === "number" ? [0, right.value] : [Bpf.operandX, 0];
  return { before, code: code + operand, k, isInverted: false, registers };
}

/** Brings terms into A, and remembers what A and X hold. */
class Loader {
  readonly instructions: Instruction[] = [];
  #a: string | null;
  #x: number | null;

  constructor({ a, x }: Registers) {
    this.#a = a;
    this.#x = x;
  }

  get registers(): Registers {
    return { a: this.#a, x: this.#x };
  }

  /** `free` is the first scratch word that nobody uses. */
  load(term: Term, free: number): void {
    const key = termKey(term);
    if (this.#a === key) return;
    this.#compute(term, free);
    this.#a = key;
  }

  loadMasked(term: Term, mask: number, free: number): void {
    const key = `${termKey(term)}&${mask}`;
    if (this.#a === key) return;
    this.load(term, free);
    this.#add(Bpf.alu + ALU_CODES["&"], mask);
    this.#a = key;
  }

  save(term: Term, word: number): void {
    if (word === memoryWords) {
      throw new FilterError(1, `it needs more than ${memoryWords} intermediate results at a time`);
    }
    this.load(term, word);
    this.#add(Bpf.store, word);
  }

  restoreX(word: number): void {
    this.#add(Bpf.loadXMemory, word);
    this.#x = null;
  }

  #compute(term: Term, free: number): void {
    switch (term.op) {
      case "number":
        return this.#add(Bpf.loadImmediate, term.value);
      case "length":
        return this.#add(Bpf.loadLength, 0);
      case "field":
        return this.#loadField(term.field);
      case "indexed":
        return this.#loadIndexed(term.field, term.index, free);
      case "negate":
        this.load(term.part, free);
        return this.#add(Bpf.negate, 0);
      case "binary": {
        const { operator, left, right } = term;
        const code = Bpf.alu + ALU_CODES[operator];
        if (right.op === "number") {
          this.load(left, free);
          return this.#add(code, right.value);
        }
        this.save(right, free);
        this.load(left, free + 1);
        this.restoreX(free);
        return this.#add(code + Bpf.operandX, 0);
      }
    }
  }

  #loadField({ size, offset, ipHeader }: Field): void {
    if (ipHeader === null) return this.#add(Bpf.loadAbs + SIZE_CODES[size], offset);
    this.#loadHeaderLength(ipHeader);
    this.#add(Bpf.loadInd + SIZE_CODES[size], offset);
  }

  #loadIndexed({ size, offset, ipHeader }: Field, index: Term, free: number): void {
    this.load(index, free);
    if (ipHeader !== null) {
      this.#loadHeaderLength(ipHeader);
      this.#add(Bpf.alu + ALU_CODES["+"] + Bpf.operandX, 0);
    }
    this.#add(Bpf.aToX, 0);
    this.#x = null;
    this.#add(Bpf.loadInd + SIZE_CODES[size], offset);
  }

  #loadHeaderLength(ipHeader: number): void {
    if (this.#x === ipHeader) return;
    this.#add(Bpf.loadXHeaderLength, ipHeader);
    this.#x = ipHeader;
  }

  #add(code: number, k: number): void {
    this.instructions.push({ code, jt: 0, jf: 0, k });
  }
}
