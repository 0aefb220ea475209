/** What a filter asks of a packet's bytes: the form between its tree and the program. */
import { Ancillary, type LoadSize, type Operator } from "./bpf.ts";

/** Bytes at a place that is known before the packet is. */
export interface Field {
  readonly size: LoadSize;
  /** From the packet's first byte, or from behind the IPv4 header; or one of `Ancillary`. */
  readonly offset: number;
  /** Where the IPv4 header begins whose length counts; null for places from the packet's first byte. */
  readonly ipHeader: number | null;
  /** 4 bytes later when the outermost VLAN tag was found in the packet's bytes. */
  readonly isShifted: boolean;
}

export type Term =
  | { readonly op: "number"; readonly value: number }
  | { readonly op: "length" }
  | { readonly op: "field"; readonly field: Field }
  /** Bytes at the field's place plus what `index` comes to. */
  | { readonly op: "indexed"; readonly field: Field; readonly index: Term }
  | { readonly op: "negate"; readonly part: Term }
  | {
    readonly op: "binary";
    readonly operator: Operator;
    readonly left: Term;
    readonly right: Term;
  };

export interface Test {
  readonly left: Term;
  /** Bits of `left` that count. */
  readonly mask: number;
  readonly relation: "=" | ">" | ">=" | "any bit of";
  readonly right: Term;
}

export type Condition =
  | { readonly op: "constant"; readonly value: boolean }
  | { readonly op: "and" | "or"; readonly left: Condition; readonly right: Condition }
  | { readonly op: "not"; readonly part: Condition }
  | { readonly op: "test"; readonly test: Test }
  /**
   * The outermost VLAN tag, which the kernel may have taken out of the packet: `inBytes` and `idInBytes` look for it
   * where it was.
   */
  | {
    readonly op: "outer vlan";
    readonly inBytes: Condition;
    readonly id: number | null;
    readonly idInBytes: Condition;
  };

export const ALWAYS: Condition = { op: "constant", value: true };
export const NEVER: Condition = { op: "constant", value: false };
const allBits = 0xffffffff;

export function both(left: Condition, right: Condition): Condition {
  return { op: "and", left, right };
}

export function either(left: Condition, right: Condition): Condition {
  return { op: "or", left, right };
}

export function allOf(conditions: readonly Condition[]): Condition {
  return conditions.reduce(both);
}

export function anyOf(conditions: readonly Condition[]): Condition {
  return conditions.reduce(either);
}

export function not(part: Condition): Condition {
  return { op: "not", part };
}

export function fieldTerm(field: Field): Term {
  return { op: "field", field };
}

export function number(value: number): Term {
  return { op: "number", value: value >>> 0 };
}

export function compare(left: Term, relation: Test["relation"], right: Term): Condition {
  if (left.op === "number" && right.op === "number") {
    return answer(relation, left.value, right.value) ? ALWAYS : NEVER;
  }
  return { op: "test", test: { left, mask: allBits, relation, right } };
}

/** The bits of `mask` are as in `value`; no bits always are. */
export function fieldIs(field: Field, value: number, mask = allBits): Condition {
  if (mask === 0) return value === 0 ? ALWAYS : NEVER;
  return {
    op: "test",
    test: { left: fieldTerm(field), mask: mask >>> 0, relation: "=", right: number(value) },
  };
}

/** A fact that the kernel knows of a packet beside its bytes. */
export function ancillary(name: keyof typeof Ancillary, size: LoadSize): Field {
  return { size, offset: Ancillary[name], ipHeader: null, isShifted: false };
}

/** Of two numbers without a sign. */
export function answer(relation: Test["relation"], left: number, right: number): boolean {
  switch (relation) {
    case "=":
      return left === right;
    case ">":
      return left > right;
    case ">=":
      return left >= right;
    case "any bit of":
      return (left & right) !== 0;
  }
}
