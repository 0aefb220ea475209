/** Relations between numbers and bytes of a packet, as `tcp[tcpflags] & tcp-syn != 0`. */
import type { Operator } from "./bpf.ts";
import {
  both,
  compare,
  type Condition,
  type Field,
  fieldIs,
  not,
  number,
  type Term,
  type Test,
} from "./condition.ts";
import { FilterError, quoted } from "./filter_error.ts";
import type { Layers } from "./layers.ts";
import { EtherType, type Protocol } from "./names.ts";
import type { Arithmetic, Expression, Relation } from "./tree.ts";

/** ICMPv6 as the next header of IPv6. */
const icmp6 = 58;
/** No packet is longer (libpcap's MAXIMUM_SNAPLEN). */
const packetBytesMax = 262_144;

type IsProtocol = (protocol: Protocol, layers: Layers, at: number) => Condition;

/** A number, and what must hold of a packet for it to mean something; null for nothing. */
interface Lowered {
  readonly term: Term;
  readonly guard: Condition | null;
}

/** Throws FilterError. */
export function lowerRelation(
  { relation, left, right }: Extract<Expression, { op: "relation" }>,
  layers: Layers,
  isProtocol: IsProtocol,
): Condition {
  const lowering = new Lowering(layers, isProtocol);
  const a = lowering.lower(left);
  const b = lowering.lower(right);
  const guard = joined(a.guard, b.guard);
  const holds = related(a.term, relation, b.term);
  return guard === null ? holds : both(guard, holds);
}

function joined(a: Condition | null, b: Condition | null): Condition | null {
  return a === null || b === null ? a ?? b : both(a, b);
}

/** A number is always on the right. */
function related(left: Term, relation: Relation, right: Term): Condition {
  if (left.op === "number" && right.op !== "number") {
    return related(right, mirrored[relation], left);
  }
  switch (relation) {
    case "=":
      return masked(left, "=", right);
    case "!=":
      return not(masked(left, "=", right));
    case ">":
    case ">=":
      return masked(left, relation, right);
    case "<":
      return not(masked(left, ">=", right));
    case "<=":
      return not(masked(left, ">", right));
  }
}

const mirrored: Readonly<Record<Relation, Relation>> = {
  "=": "=",
  "!=": "!=",
  ">": "<",
  ">=": "<=",
  "<": ">",
  "<=": ">=",
};

/** `field & number` is a field under a mask. */
function masked(left: Term, relation: Test["relation"], right: Term): Condition {
  if (left.op !== "binary" || left.operator !== "&") return compare(left, relation, right);
  const [part, mask] = left.right.op === "number"
    ? [left.left, left.right.value]
    : left.left.op === "number"
    ? [left.right, left.left.value]
    : [null, 0];
  if (part?.op !== "field" || mask === 0) return compare(left, relation, right);
  return { op: "test", test: { left: part, mask, relation, right } };
}

class Lowering {
  readonly #layers: Layers;
  readonly #isProtocol: IsProtocol;

  constructor(layers: Layers, isProtocol: IsProtocol) {
    this.#layers = layers;
    this.#isProtocol = isProtocol;
  }

  lower(part: Arithmetic): Lowered {
    switch (part.op) {
      case "number":
        return { term: number(part.value), guard: null };
      case "length":
        return { term: { op: "length" }, guard: null };
      case "negate": {
        const { term, guard } = this.lower(part.part);
        const isNumber = term.op === "number";
        return { term: isNumber ? number(-term.value) : { op: "negate", part: term }, guard };
      }
      case "binary": {
        const a = this.lower(part.left);
        const b = this.lower(part.right);
        // libpcap asks only for what the left side needs.
        return { term: computed(part, a.term, b.term), guard: a.guard };
      }
      case "load":
        return this.#load(part);
    }
  }

  #load({ protocol, index, size, at }: Extract<Arithmetic, { op: "load" }>): Lowered {
    const inner = this.lower(index);
    const isPlaced = inner.term.op === "number";
    const offset = inner.term.op === "number" ? inner.term.value : 0;
    if (offset >= packetBytesMax) {
      throw new FilterError(at + 1, `no packet has a byte ${offset}`);
    }
    const { field, guard } = this.#place(protocol, { offset, size, at, inner: inner.guard });
    const term: Term = isPlaced
      ? { op: "field", field }
      : { op: "indexed", field, index: inner.term };
    return { term, guard };
  }

  /** Where bytes of `protocol` are, and when; the order of what is asked is libpcap's. */
  #place(
    protocol: Protocol,
    { offset, size, at, inner }: {
      offset: number;
      size: Field["size"];
      at: number;
      inner: Condition | null;
    },
  ): { field: Field; guard: Condition | null } {
    const layers = this.#layers;
    switch (protocol.over) {
      case "link":
        layers.requireLinkHeader(at);
        return { field: layers.linkHeader(offset, size), guard: inner };
      case "ethernet":
        if (protocol.type <= EtherType.lengthMax) break;
        return {
          field: layers.network(offset, size),
          guard: joined(inner, layers.carries(protocol.type, at)),
        };
      case "ip6": {
        const isThere = both(
          joined(inner, layers.carries(EtherType.ip6, at))!,
          fieldIs(layers.network(6, 1), icmp6),
        );
        return { field: layers.transport6(offset, size), guard: isThere };
      }
      default: {
        if (protocol.name === "ah" || protocol.name === "esp") break;
        const isFirst = both(this.#isProtocol(protocol, layers, at), layers.isFirstFragment());
        const isThere = both(layers.carries(EtherType.ip, at), joined(inner, isFirst)!);
        return { field: layers.transport(offset, size), guard: isThere };
      }
    }
    throw new FilterError(at + 1, `bytes of ${quoted(protocol.name)} cannot be looked at`);
  }
}

/** Throws FilterError for what has no result. */
function computed(
  { operator, at }: Extract<Arithmetic, { op: "binary" }>,
  left: Term,
  right: Term,
): Term {
  if (right.op === "number") {
    if ((operator === "/" || operator === "%") && right.value === 0) {
      throw new FilterError(at + 1, "a division by zero");
    }
    if ((operator === "<<" || operator === ">>") && right.value > 31) {
      throw new FilterError(at + 1, "a shift by more than 31 bits");
    }
    if (left.op === "number") return number(calculate(operator, left.value, right.value));
  }
  return { op: "binary", operator, left, right };
}

/** In 32 bits without a sign, as the kernel does. */
export function calculate(operator: Operator, a: number, b: number): number {
  switch (operator) {
    case "+":
      return (a + b) >>> 0;
    case "-":
      return (a - b) >>> 0;
    case "*":
      return Math.imul(a, b) >>> 0;
    case "/":
      return Math.floor(a / b);
    case "%":
      return a % b;
    case "&":
      return (a & b) >>> 0;
    case "|":
      return (a | b) >>> 0;
    case "^":
      return (a ^ b) >>> 0;
    case "<<":
      return b > 31 ? 0 : a << b >>> 0;
    case ">>":
      return b > 31 ? 0 : a >>> b;
  }
}
