/**
 * Conditions to a graph of tests without circles: each is asked once on the way through it, and what the tests before
 * have answered is not asked again (a packet that is IPv4 is no ARP).
 */
import {
  ancillary,
  answer,
  type Condition,
  type Field,
  fieldTerm,
  number,
  type Term,
  type Test,
} from "./condition.ts";

export type Node = ReturnNode | TestNode;

interface ReturnNode {
  readonly op: "return";
  readonly id: number;
  readonly isAccepted: boolean;
}

export interface TestNode {
  readonly op: "test";
  readonly id: number;
  readonly test: Test;
  readonly yes: Node;
  readonly no: Node;
}

/** Where a condition leads: without, and with the outermost VLAN tag in the packet's bytes. */
type Exit = readonly [Node, Node];

const tagBytes = 4;
const vlanIdBits = 0xfff;
/** Answers that are remembered on the way to a node; the oldest are forgotten. */
const outcomesMax = 48;
const passesMax = 4;

export function buildGraph(condition: Condition): Node {
  const nodes = new Nodes();
  const accept: Exit = [nodes.accept, nodes.accept];
  let root = build(condition, { yes: accept, no: [nodes.reject, nodes.reject] }, nodes)[0];
  for (let pass = 0; pass < passesMax; pass++) {
    const shorter = shorten(root, nodes);
    if (shorter === root) break;
    root = shorter;
  }
  return root;
}

/** From the root on, each node before those that it leads to; a test's "no" stands nearer than its "yes". */
export function inOrder(root: Node): Node[] {
  const done = new Set<Node>();
  const backwards: Node[] = [];
  const open: { node: Node; isLeft: boolean }[] = [{ node: root, isLeft: false }];
  while (open.length > 0) {
    const { node, isLeft } = open.pop()!;
    if (isLeft) backwards.push(node);
    if (isLeft || done.has(node)) continue;
    done.add(node);
    open.push({ node, isLeft: true });
    if (node.op === "return") continue;
    open.push({ node: node.no, isLeft: false }, { node: node.yes, isLeft: false });
  }
  return backwards.reverse();
}

/** Text that two terms have in common when they come to the same number. */
export function termKey(term: Term): string {
  switch (term.op) {
    case "number":
      return `${term.value}`;
    case "length":
      return "len";
    case "field":
      return fieldKey(term.field);
    case "indexed":
      return `${fieldKey(term.field)}+${termKey(term.index)}`;
    case "negate":
      return `-(${termKey(term.part)})`;
    case "binary":
      return `(${termKey(term.left)}${term.operator}${termKey(term.right)})`;
  }
}

function fieldKey({ size, offset, ipHeader }: Field): string {
  return `[${ipHeader ?? ""}|${offset}:${size}]`;
}

function testKey({ left, mask, relation, right }: Test): string {
  return `${termKey(left)}&${mask}${relation}${termKey(right)}`;
}

/** Makes nodes; those that ask and lead to the same are one. */
class Nodes {
  readonly accept: Node = { op: "return", id: 0, isAccepted: true };
  readonly reject: Node = { op: "return", id: 1, isAccepted: false };
  readonly #known = new Map<string, Node>();

  /** Also one that leads to the same either way: a packet that ends before the field does not pass. */
  test(test: Test, yes: Node, no: Node): Node {
    const key = `${testKey(test)}?${yes.id}:${no.id}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const node: Node = { op: "test", id: this.#known.size + 2, test, yes, no };
    this.#known.set(key, node);
    return node;
  }
}

function build(condition: Condition, { yes, no }: { yes: Exit; no: Exit }, nodes: Nodes): Exit {
  switch (condition.op) {
    case "constant":
      return condition.value ? yes : no;
    case "not":
      return build(condition.part, { yes: no, no: yes }, nodes);
    case "and": {
      const right = build(condition.right, { yes, no }, nodes);
      return build(condition.left, { yes: right, no }, nodes);
    }
    case "or": {
      const right = build(condition.right, { yes, no }, nodes);
      return build(condition.left, { yes, no: right }, nodes);
    }
    case "test":
      return [
        nodes.test(condition.test, yes[0], no[0]),
        nodes.test(shifted(condition.test), yes[1], no[1]),
      ];
    case "outer vlan": {
      const { id } = condition;
      const [taken, found]: Exit = [no[1], yes[1]];
      const fails: Exit = [taken, taken];
      const holds: Exit = [found, found];
      const idThere = id === null
        ? holds
        : build(condition.idInBytes, { yes: holds, no: fails }, nodes);
      const [inBytes] = build(condition.inBytes, { yes: idThere, no: fails }, nodes);
      const beside = id === null
        ? yes[0]
        : nodes.test(ancillaryIs("vlanTag", id, vlanIdBits), yes[0], no[0]);
      const node = nodes.test(ancillaryIs("vlanTagPresent", 1, 0xffffffff), beside, inBytes);
      return [node, node];
    }
  }
}

function ancillaryIs(name: "vlanTag" | "vlanTagPresent", value: number, mask: number): Test {
  return { left: fieldTerm(ancillary(name, 1)), mask, relation: "=", right: number(value) };
}

function shifted(test: Test): Test {
  return { ...test, left: shiftedTerm(test.left), right: shiftedTerm(test.right) };
}

function shiftedTerm(term: Term): Term {
  switch (term.op) {
    case "field":
      return { ...term, field: shiftedField(term.field) };
    case "indexed":
      return { ...term, field: shiftedField(term.field), index: shiftedTerm(term.index) };
    case "negate":
      return { ...term, part: shiftedTerm(term.part) };
    case "binary":
      return { ...term, left: shiftedTerm(term.left), right: shiftedTerm(term.right) };
    default:
      return term;
  }
}

function shiftedField(field: Field): Field {
  if (!field.isShifted) return field;
  const ipHeader = field.ipHeader === null ? null : field.ipHeader + tagBytes;
  return { ...field, offset: field.offset + tagBytes, ipHeader };
}

/** What the tests on every way to a node have answered. */
class Facts {
  readonly #outcomes: ReadonlyMap<string, boolean>;
  /** Bits of fields that are known. */
  readonly #bits: ReadonlyMap<string, { readonly mask: number; readonly value: number }>;

  constructor(
    outcomes: ReadonlyMap<string, boolean> = new Map(),
    bits: ReadonlyMap<string, { readonly mask: number; readonly value: number }> = new Map(),
  ) {
    this.#outcomes = outcomes;
    this.#bits = bits;
  }

  with(test: Test, isTrue: boolean): Facts {
    const outcomes = new Map(this.#outcomes);
    const oldest = outcomes.size < outcomesMax ? undefined : outcomes.keys().next().value;
    if (oldest !== undefined) outcomes.delete(oldest);
    outcomes.set(testKey(test), isTrue);
    const { left, mask, relation, right } = test;
    if (!isTrue || relation !== "=" || left.op !== "field" || right.op !== "number") {
      return new Facts(outcomes, this.#bits);
    }
    const key = fieldKey(left.field);
    const before = this.#bits.get(key) ?? { mask: 0, value: 0 };
    const bits = new Map(this.#bits);
    bits.set(key, {
      mask: (before.mask | mask) >>> 0,
      value: (before.value & ~mask | right.value & mask) >>> 0,
    });
    return new Facts(outcomes, bits);
  }

  /** What the test must answer; null when that is not known. */
  outcomeOf(test: Test): boolean | null {
    const known = this.#outcomes.get(testKey(test));
    if (known !== undefined) return known;
    const { left, mask, relation, right } = test;
    if (left.op !== "field" || right.op !== "number") return null;
    const bits = this.#bits.get(fieldKey(left.field));
    if (bits === undefined) return null;
    const differs = ((bits.value ^ right.value) & bits.mask & mask) !== 0;
    if (relation === "=" && differs) return false;
    if ((mask & ~bits.mask) !== 0) return null;
    return answer(relation, (bits.value & mask) >>> 0, right.value);
  }

  /** What holds here and there. */
  shared(other: Facts): Facts {
    const outcomes = [...this.#outcomes].filter(([key, is]) => other.#outcomes.get(key) === is);
    const bits = [...this.#bits].filter(([key, { mask, value }]) => {
      const theirs = other.#bits.get(key);
      return theirs?.mask === mask && theirs.value === value;
    });
    return new Facts(new Map(outcomes), new Map(bits));
  }
}

/** Leads each answer past the tests whose answer it implies. */
function shorten(root: Node, nodes: Nodes): Node {
  const order = inOrder(root);
  const facts = new Map<Node, Facts>([[root, new Facts()]]);
  const ways = new Map<Node, { yes: Node; no: Node }>();
  for (const node of order) {
    const known = facts.get(node);
    if (known === undefined || node.op === "return") continue;
    const lead = (isTrue: boolean) => {
      const after = known.with(node.test, isTrue);
      const target = pass(isTrue ? node.yes : node.no, after);
      const before = facts.get(target);
      facts.set(target, before === undefined ? after : before.shared(after));
      return target;
    };
    ways.set(node, { yes: lead(true), no: lead(false) });
  }
  const made = new Map<Node, Node>();
  for (const node of order.reverse()) {
    const way = ways.get(node);
    const isKept = way === undefined || node.op === "return";
    made.set(node, isKept ? node : nodes.test(node.test, made.get(way.yes)!, made.get(way.no)!));
  }
  return made.get(root)!;
}

function pass(from: Node, facts: Facts): Node {
  let node = from;
  while (node.op === "test") {
    const outcome = facts.outcomeOf(node.test);
    if (outcome === null) return node;
    node = outcome ? node.yes : node.no;
  }
  return node;
}
