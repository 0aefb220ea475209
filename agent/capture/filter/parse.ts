/**
 * The filter language of pcap-filter(7): text in, tree out.
 *
 *     any  = term { ("and" | "or") (term | value) }      both alike, from left to right
 *     term = "not" term | "(" any ")" | head values | PROTOCOL | relation | vlan, less, broadcast …
 *     head = [PROTOCOL] [src | dst | …] [host | net | port | portrange | proto]
 *
 * A value without a head has that of the value before it: `port 80 or 443`. What is not understood is refused, with its
 * place; what libpcap takes and this does not, too.
 */
import { nearest } from "../../nearest.ts";
import { instructionCountMax, type LoadSize, type Operator } from "./bpf.ts";
import { FilterError, quoted } from "./filter_error.ts";
import { type Protocol, protocolOf, UNSUPPORTED } from "./names.ts";
import type {
  AddressType,
  Arithmetic,
  Direction,
  Expression,
  Qualifiers,
  Relation,
} from "./tree.ts";
import { splitWords, type Word } from "./words.ts";

const depthMax = 100;
/** Each needs an instruction at least. */
const partsMax = instructionCountMax;

/** Low to high; what is in none, % and ^, has to be bracketed, for libpcap does not rank them. */
const precedence: readonly (readonly string[])[] = [
  ["|"],
  ["&"],
  ["<<", ">>"],
  ["+", "-"],
  ["*", "/"],
];
const unranked: ReadonlySet<string> = new Set(["%", "^"]);
const operators: ReadonlySet<string> = new Set([...precedence.flat(), ...unranked]);
const relations: ReadonlySet<string> = new Set(["=", "!=", ">", ">=", "<", "<="]);
const addressTypes: ReadonlySet<string> = new Set(["host", "net", "port", "portrange", "proto"]);
const valueKinds: ReadonlySet<Word["kind"]> = new Set([
  "escaped",
  "number",
  "dotted",
  "ip6",
  "mac",
]);
const primitives = [
  ...["less", "greater", "broadcast", "multicast", "inbound", "outbound", "ifindex", "vlan"],
  ...["mpls", "pppoes", "pppoed", "len", "src", "dst", "and", "or", "not", "mask"],
];
const allPrimitives = [...primitives, ...addressTypes];
const keywords: ReadonlySet<string> = new Set(allPrimitives);

/** Null for a filter that is blank and fits everything. Throws FilterError. */
export function parseFilter(text: string): Expression | null {
  return new Parser(splitWords(text)).parse();
}

/** A part and what a value behind it would inherit. */
interface Parsed {
  readonly expression: Expression;
  readonly qualifiers: Qualifiers | null;
}

class Parser {
  readonly #words: readonly Word[];
  #next = 0;
  #depth = 0;
  #parts = 0;

  constructor(words: readonly Word[]) {
    this.#words = words;
  }

  parse(): Expression | null {
    if (this.#words.length === 1) return null;
    const { expression } = this.#any(null);
    if (!this.#isAtEnd()) throw this.#unexpectedBehind();
    return expression;
  }

  get #word(): Word {
    return this.#words[this.#next];
  }

  #any(inherited: Qualifiers | null): Parsed {
    let { expression, qualifiers } = this.#term(inherited);
    for (let op = this.#takeJoint(); op !== null; op = this.#takeJoint()) {
      const right = this.#isValueNext() ? this.#value(qualifiers) : this.#term(qualifiers);
      expression = { op, left: expression, right: right.expression };
      qualifiers = right.qualifiers;
    }
    return { expression, qualifiers };
  }

  #takeJoint(): "and" | "or" | null {
    const { at } = this.#word;
    const joint = this.#readJoint();
    if (joint === null || ++this.#parts < partsMax) return joint;
    throw new FilterError(at + 1, `more than ${partsMax} parts: the kernel takes no such program`);
  }

  #readJoint(): "and" | "or" | null {
    return this.#takes("and") ? "and" : this.#takes("or") ? "or" : null;
  }

  #term(inherited: Qualifiers | null): Parsed {
    return this.#nested(() => {
      if (this.#takes("!")) {
        const { expression, qualifiers } = this.#term(inherited);
        return { expression: { op: "not", part: expression }, qualifiers };
      }
      const isRelation = this.#isRelationNext();
      if (isWord(this.#word, "(")) {
        return isRelation ? this.#bracketOrRelation(inherited) : this.#bracket(inherited);
      }
      if (isRelation) return this.#relation();
      return this.#primitive();
    });
  }

  #bracket(inherited: Qualifiers | null): Parsed {
    const open = this.#word;
    this.#next++;
    const { expression } = this.#any(inherited);
    this.#close(open, ")");
    return { expression, qualifiers: inherited };
  }

  /** The bracket is around terms or around the beginning of an arithmetic expression. */
  #bracketOrRelation(inherited: Qualifiers | null): Parsed {
    const start = this.#next;
    let failure: FilterError | null = null;
    try {
      const bracket = this.#bracket(inherited);
      if (!this.#isOperatorNext()) return bracket;
    } catch (error) {
      if (!(error instanceof FilterError)) throw error;
      failure = error;
    }
    this.#next = start;
    try {
      return this.#relation();
    } catch (error) {
      const isFarther = error instanceof FilterError && failure !== null &&
        failure.column > error.column;
      throw isFarther ? failure : error;
    }
  }

  #primitive(): Parsed {
    const { at, kind, text } = this.#word;
    const protocol = kind === "name" ? protocolOf(text) ?? null : null;
    if (protocol !== null) this.#next++;
    const word = this.#word;
    for (const op of ["broadcast", "multicast"] as const) {
      if (this.#takes(op)) return alone({ op, protocol, at });
    }
    const direction = this.#direction();
    const type = this.#addressType(direction);
    if (direction !== null || type !== null) return this.#value({ protocol, direction, type, at });
    if (protocol === null) return alone(this.#other());
    if (protocol.over === "link") {
      throw new FilterError(
        word.at + 1,
        `${quoted(protocol.name)} needs host, src, dst, proto, broadcast, multicast or [ behind it`,
      );
    }
    return alone({ op: "protocol", protocol, at });
  }

  #direction(): Direction | null {
    const first = this.#word;
    if (!this.#takes("src") && !this.#takes("dst")) return null;
    const joint = this.#word;
    const other = this.#words[this.#next + 1];
    const isPair = (isWord(joint, "or") || isWord(joint, "and")) &&
      isWord(other, first.text === "src" ? "dst" : "src");
    if (!isPair) return first.text === "src" ? "source" : "destination";
    this.#next += 2;
    return joint.text === "or" ? "either" : "both";
  }

  #addressType(direction: Direction | null): AddressType | null {
    const { kind, text, at } = this.#word;
    if (kind !== "name" || !addressTypes.has(text)) return null;
    if (text === "proto" && direction !== null) {
      throw new FilterError(at + 1, "a protocol has no direction");
    }
    this.#next++;
    return text as AddressType;
  }

  /** What has no qualifiers. */
  #other(): Expression {
    const { at, kind, text } = this.#word;
    const isMistyped = kind === "name" && nearest(text, allPrimitives) !== null;
    if (isValue(this.#word) && !isMistyped) return this.#oneValue(null).expression;
    if (kind !== "name") throw this.#unexpected();
    this.#next++;
    switch (text) {
      case "less":
      case "greater": {
        const right = { op: "number", value: this.#number(text) } as const;
        const relation = text === "less" ? "<=" : ">=";
        return { op: "relation", relation, left: { op: "length" }, right };
      }
      case "inbound":
      case "outbound":
        return { op: "direction", isOutbound: text === "outbound", at };
      case "ifindex":
        return { op: "interface", index: this.#number(text), at };
      case "vlan":
      case "mpls":
      case "pppoes":
        return { op: text, number: this.#optionalNumber(), at };
      case "pppoed":
        return { op: text, at };
      default:
        this.#next--;
        throw this.#unexpected();
    }
  }

  #number(after: string): number {
    const { kind, value, at, text } = this.#word;
    if (kind !== "number") {
      throw new FilterError(at + 1, `${describe(text)} where ${after} needs a number`);
    }
    this.#next++;
    return value;
  }

  #optionalNumber(): number | null {
    const brackets = this.#bracketsBefore("number");
    if (brackets === null) return null;
    this.#next += brackets;
    const { value } = this.#word;
    this.#next++;
    for (let open = brackets; open > 0; open--) this.#close(this.#word, ")");
    return value;
  }

  /** How many brackets are open before a word of that kind that comes next. */
  #bracketsBefore(kind: Word["kind"]): number | null {
    let at = this.#next;
    while (isWord(this.#words[at], "(")) at++;
    return this.#words[at].kind === kind ? at - this.#next : null;
  }

  /** True when a value that inherits its qualifiers comes next, behind brackets and "not" or not. */
  #isValueNext(): boolean {
    let at = this.#next;
    while (isWord(this.#words[at], "(") || isWord(this.#words[at], "!")) at++;
    const word = this.#words[at];
    if (word.kind === "number") return !this.#isRelationNext(at);
    return isValue(word);
  }

  /** A value, or several in brackets. */
  #value(qualifiers: Qualifiers | null): Parsed {
    return this.#nested(() => {
      const open = this.#word;
      if (this.#takes("!")) {
        const part = this.#value(qualifiers);
        return { ...part, expression: { op: "not", part: part.expression } };
      }
      if (!this.#takes("(")) return this.#oneValue(qualifiers);
      let { expression } = this.#value(qualifiers);
      for (let op = this.#takeJoint(); op !== null; op = this.#takeJoint()) {
        expression = { op, left: expression, right: this.#value(qualifiers).expression };
      }
      this.#close(open, ")");
      return { expression, qualifiers };
    });
  }

  #oneValue(qualifiers: Qualifiers | null): Parsed {
    const word = this.#word;
    if (!isValue(word)) throw this.#notAValue(qualifiers);
    if (qualifiers === null) {
      throw new FilterError(
        word.at + 1,
        `${quoted(word.text)} needs a word before it that says what it is, as host, net or port`,
      );
    }
    this.#next++;
    const mask = this.#mask(word);
    return { expression: { op: "value", qualifiers, word, mask }, qualifiers };
  }

  #notAValue(qualifiers: Qualifiers | null): FilterError {
    const { text, at } = this.#word;
    const isName = protocolOf(text) !== undefined && qualifiers?.type === "proto";
    if (isName) {
      return new FilterError(
        at + 1,
        `${quoted(text)} is a keyword; behind proto write \\${text}, or its number`,
      );
    }
    if (UNSUPPORTED.has(text)) return this.#unexpected();
    const wanted = qualifiers?.type ?? "host";
    return new FilterError(at + 1, `${describe(text)} where ${wanted} needs a value`);
  }

  #mask(word: Word): Word | null {
    const isSlash = (word.kind === "dotted" || word.kind === "ip6") && this.#takes("/");
    const isMask = !isSlash && word.kind === "dotted" && this.#takes("mask");
    if (!isSlash && !isMask) return null;
    const mask = this.#word;
    if (mask.kind !== (isSlash ? "number" : "dotted")) {
      const wanted = isSlash ? "the length of a network" : "a netmask";
      throw new FilterError(mask.at + 1, `${describe(mask.text)} where ${wanted} belongs`);
    }
    this.#next++;
    return mask;
  }

  /** True when an arithmetic expression stands at `at`, perhaps in brackets that belong to it. */
  #isRelationNext(from = this.#next): boolean {
    let at = from;
    while (isWord(this.#words[at], "(")) at++;
    const word = this.#words[at];
    if (isWord(word, "-") || isWord(word, "len")) return true;
    const next = this.#words[at + 1];
    if (word.kind === "name" && protocolOf(word.text) !== undefined) return isWord(next, "[");
    if (word.kind !== "number") return false;
    let after = at + 1;
    while (isWord(this.#words[after], ")")) after++;
    const sign = this.#words[after];
    return sign.kind === "sign" && (operators.has(sign.text) || relations.has(sign.text));
  }

  #relation(): Parsed {
    const left = this.#arithmetic();
    const { kind, text, at } = this.#word;
    if (kind !== "sign" || !relations.has(text)) {
      throw new FilterError(at + 1, `${describe(text)} where a comparison belongs, as = or >`);
    }
    this.#next++;
    return alone({ op: "relation", relation: text as Relation, left, right: this.#arithmetic() });
  }

  #isOperatorNext(): boolean {
    const { kind, text } = this.#word;
    return kind === "sign" && (operators.has(text) || relations.has(text));
  }

  #arithmetic(level = 0): Arithmetic {
    if (level === precedence.length) return this.#unrankedArithmetic();
    let left = this.#arithmetic(level + 1);
    while (this.#word.kind === "sign" && precedence[level].includes(this.#word.text)) {
      const { text, at } = this.#word;
      this.#next++;
      const right = this.#arithmetic(level + 1);
      left = { op: "binary", operator: text as Operator, left, right, at };
    }
    return left;
  }

  #unrankedArithmetic(): Arithmetic {
    const left = this.#operand();
    const { kind, text, at } = this.#word;
    if (kind !== "sign" || !unranked.has(text)) return left;
    const before = this.#words[this.#operandStart - 1];
    const isNegated = isWord(this.#words[this.#operandStart], "-");
    this.#next++;
    const right = this.#operand();
    if (isNegated || isOperator(before) || isOperator(this.#word)) {
      throw new FilterError(at + 1, `put brackets around ${text} and its two sides`);
    }
    return { op: "binary", operator: text as Operator, left, right, at };
  }

  #operandStart = 0;

  #operand(): Arithmetic {
    return this.#nested(() => {
      const start = this.#next;
      const operand = this.#readOperand();
      this.#operandStart = start;
      return operand;
    });
  }

  #readOperand(): Arithmetic {
    const word = this.#word;
    if (word.kind === "end") throw this.#unexpected();
    this.#next++;
    if (word.kind === "number") return { op: "number", value: word.value };
    if (isWord(word, "len")) return { op: "length" };
    if (isWord(word, "-")) return { op: "negate", part: this.#operand() };
    if (isWord(word, "(")) {
      const inside = this.#arithmetic();
      this.#close(word, ")");
      return inside;
    }
    const protocol = word.kind === "name" ? protocolOf(word.text) : undefined;
    if (protocol !== undefined && isWord(this.#word, "[")) return this.#load(protocol, word);
    this.#next--;
    throw this.#unexpected("a number or bytes of a packet, as tcp[13],");
  }

  #load(protocol: Protocol, word: Word): Arithmetic {
    const open = this.#word;
    this.#next++;
    const index = this.#arithmetic();
    let size: LoadSize = 1;
    if (this.#takes(":")) {
      const { kind, value, at } = this.#word;
      if (kind !== "number" || (value !== 1 && value !== 2 && value !== 4)) {
        throw new FilterError(at + 1, "the bytes behind the colon are 1, 2 or 4");
      }
      size = value;
      this.#next++;
    }
    this.#close(open, "]");
    return { op: "load", protocol, index, size, at: word.at };
  }

  #close(open: Word, sign: ")" | "]"): void {
    if (this.#takes(sign)) return;
    if (!this.#isAtEnd()) throw this.#unexpectedBehind();
    throw new FilterError(open.at + 1, `this ${quoted(open.text)} is never closed`);
  }

  #takes(text: string): boolean {
    if (!isWord(this.#word, text)) return false;
    this.#next++;
    return true;
  }

  #nested<T>(read: () => T): T {
    if (++this.#depth > depthMax) {
      throw new FilterError(this.#word.at + 1, `brackets and "not" may lie ${depthMax} deep`);
    }
    try {
      return read();
    } finally {
      this.#depth--;
    }
  }

  #isAtEnd(): boolean {
    return this.#word.kind === "end";
  }

  /** What comes after something whole. */
  #unexpectedBehind(): FilterError {
    const { kind, text, at } = this.#word;
    if (kind === "sign" && text !== "!" && text !== "(") return this.#unexpected("and or or");
    return new FilterError(at + 1, `${quoted(text)} needs and or or before it`);
  }

  #unexpected(wanted = "a primitive of pcap-filter(7)"): FilterError {
    const { kind, text, at } = this.#word;
    if (kind === "end") return new FilterError(at + 1, `it ends where ${wanted} belongs`);
    const reason = kind === "name" ? UNSUPPORTED.get(text) : undefined;
    if (reason !== undefined) {
      return new FilterError(at + 1, `${quoted(text)} is not supported: ${reason}`);
    }
    const meant = kind === "name" ? nearest(text, allPrimitives) : null;
    const advice = meant === null || meant === text ? "" : ` (did you mean ${meant}?)`;
    return new FilterError(at + 1, `${quoted(text)} where ${wanted} belongs${advice}`);
  }
}

function alone(expression: Expression): Parsed {
  return { expression, qualifiers: null };
}

function isWord(word: Word | undefined, text: string): boolean {
  return word !== undefined && (word.kind === "name" || word.kind === "sign") && word.text === text;
}

function isOperator(word: Word | undefined): boolean {
  return word !== undefined && word.kind === "sign" && operators.has(word.text);
}

/** A name that is no keyword is a value too: of a service, or of a host, which is refused later, with its reason. */
function isValue(word: Word): boolean {
  if (word.kind !== "name") return valueKinds.has(word.kind);
  return !keywords.has(word.text) && protocolOf(word.text) === undefined &&
    !UNSUPPORTED.has(word.text);
}

function describe(text: string): string {
  return text === "" ? "it ends" : quoted(text);
}
