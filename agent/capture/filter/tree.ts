/** A capture filter as the parser gives it. Places (`at`) are code units from the beginning of its text. */
import type { LoadSize, Operator } from "./bpf.ts";
import type { Protocol } from "./names.ts";
import type { Word } from "./words.ts";

export type Direction = "source" | "destination" | "either" | "both";
export type AddressType = "host" | "net" | "port" | "portrange" | "proto";

/** What stands before a value, or before the value that it is inherited from: `tcp dst port` 80. */
export interface Qualifiers {
  readonly protocol: Protocol | null;
  readonly direction: Direction | null;
  readonly type: AddressType | null;
  readonly at: number;
}

export type Relation = "=" | "!=" | ">" | ">=" | "<" | "<=";

export type Arithmetic =
  | { readonly op: "number"; readonly value: number }
  | { readonly op: "length" }
  | {
    readonly op: "load";
    readonly protocol: Protocol;
    readonly index: Arithmetic;
    readonly size: LoadSize;
    readonly at: number;
  }
  | { readonly op: "negate"; readonly part: Arithmetic }
  | {
    readonly op: "binary";
    readonly operator: Operator;
    readonly left: Arithmetic;
    readonly right: Arithmetic;
    readonly at: number;
  };

export type Expression =
  | { readonly op: "and" | "or"; readonly left: Expression; readonly right: Expression }
  | { readonly op: "not"; readonly part: Expression }
  | { readonly op: "protocol"; readonly protocol: Protocol; readonly at: number }
  | {
    readonly op: "value";
    readonly qualifiers: Qualifiers;
    readonly word: Word;
    /** Behind `mask` or a slash. */
    readonly mask: Word | null;
  }
  | {
    readonly op: "relation";
    readonly relation: Relation;
    readonly left: Arithmetic;
    readonly right: Arithmetic;
  }
  | {
    readonly op: "broadcast" | "multicast";
    readonly protocol: Protocol | null;
    readonly at: number;
  }
  | {
    readonly op: "vlan" | "mpls" | "pppoes";
    /** Tag, label or session. */
    readonly number: number | null;
    readonly at: number;
  }
  | { readonly op: "pppoed"; readonly at: number }
  | { readonly op: "direction"; readonly isOutbound: boolean; readonly at: number }
  | { readonly op: "interface"; readonly index: number; readonly at: number };
