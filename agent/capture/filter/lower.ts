/** Tree to conditions: what each primitive of a filter means for the bytes of a packet, as libpcap takes it. */
import {
  allOf,
  ALWAYS,
  anyOf,
  both,
  compare,
  type Condition,
  fieldIs,
  fieldTerm,
  not,
  number,
} from "./condition.ts";
import { FilterError, quoted } from "./filter_error.ts";
import type { Layers } from "./layers.ts";
import { lowerRelation } from "./lower_relation.ts";
import { carriesOverIp, lowerValues, macIs } from "./lower_values.ts";
import { EtherType, type Protocol } from "./names.ts";
import type { Expression } from "./tree.ts";

/** Goes through the tree in the order of the text, on which `layers` depends. Throws FilterError. */
export function lower(expression: Expression, layers: Layers): Condition {
  switch (expression.op) {
    case "and":
      return lowerAll(expression, layers);
    case "or":
      return lowerAny(expression, layers);
    case "not":
      return not(lower(expression.part, layers));
    case "protocol":
      return isProtocol(expression.protocol, layers, expression.at);
    case "value":
      return lowerValues([expression], layers);
    case "relation":
      return lowerRelation(expression, layers, isProtocol);
    case "broadcast":
      return isBroadcast(expression, layers);
    case "multicast":
      return isMulticast(expression, layers);
    case "vlan":
      return layers.enterVlan(expression.number, expression.at);
    case "mpls":
      return layers.enterMpls(expression.number, expression.at);
    case "pppoes":
      return layers.enterPppoe(expression.number, expression.at);
    case "pppoed":
      return layers.carries(EtherType.pppoeDiscovery, expression.at);
    case "direction":
      return expression.isOutbound ? layers.isOutbound() : not(layers.isOutbound());
    case "interface":
      return layers.isOfInterface(expression.index);
  }
}

/** Values in a row are looked for together: `host a or host b` loads each address once. */
function lowerAny(expression: Joint, layers: Layers): Condition {
  return anyOf(
    inRuns(partsOf(expression), (part) => part.op === "value" ? part : null)
      .map((run) => Array.isArray(run) ? lowerValues(run, layers) : lower(run, layers)),
  );
}

/** The same for values that must be none of those in a row. */
function lowerAll(expression: Joint, layers: Layers): Condition {
  const excluded = (part: Expression) =>
    part.op === "not" && part.part.op === "value" ? part.part : null;
  return allOf(
    inRuns(partsOf(expression), excluded)
      .map((run) => Array.isArray(run) ? not(lowerValues(run, layers)) : lower(run, layers)),
  );
}

type Joint = Extract<Expression, { op: "and" | "or" }>;
type Value = Extract<Expression, { op: "value" }>;

/** `a or b or c`, that is `(a or b) or c`, as three. */
function partsOf({ op, left, right }: Joint): Expression[] {
  const backwards = [right];
  let rest = left;
  for (; rest.op === op; rest = rest.left) backwards.push(rest.right);
  return [rest, ...backwards.reverse()];
}

function inRuns(
  parts: readonly Expression[],
  valueOf: (part: Expression) => Value | null,
): (Expression | Value[])[] {
  const runs: (Expression | Value[])[] = [];
  for (const part of parts) {
    const value = valueOf(part);
    const last = runs.at(-1);
    if (value === null) runs.push(part);
    else if (Array.isArray(last)) last.push(value);
    else runs.push([value]);
  }
  return runs;
}

function isProtocol(protocol: Protocol, layers: Layers, at: number): Condition {
  switch (protocol.over) {
    case "ethernet":
      return layers.carries(protocol.type, at);
    case "link":
      throw new FilterError(at + 1, `${quoted(protocol.name)} does not stand alone`);
    default:
      return carriesOverIp(protocol.over, [protocol.number], { layers, at });
  }
}

type Cast = Extract<Expression, { op: "broadcast" | "multicast" }>;

function isBroadcast({ protocol, at }: Cast, layers: Layers): Condition {
  if (protocol !== null && protocol.over !== "link") {
    const reason = protocol.name === "ip"
      ? "the netmask is not known: give the address with ip dst host"
      : `${quoted(protocol.name)} does not go with broadcast`;
    throw new FilterError(at + 1, reason);
  }
  layers.requireEthernet("broadcast", at);
  return macIs(layers, 0, [255, 255, 255, 255, 255, 255]);
}

function isMulticast({ protocol, at }: Cast, layers: Layers): Condition {
  const firstByte = (offset: number) => layers.network(offset, 1);
  switch (protocol?.name) {
    case "ip":
      return both(
        layers.carries(EtherType.ip, at),
        compare(fieldTerm(firstByte(16)), ">=", number(224)),
      );
    case "ip6":
      return both(layers.carries(EtherType.ip6, at), fieldIs(firstByte(24), 255));
  }
  if (protocol !== null && protocol.over !== "link") {
    throw new FilterError(at + 1, `${quoted(protocol.name)} does not go with multicast`);
  }
  layers.requireEthernet("multicast", at);
  return compare(fieldTerm(layers.linkHeader(0, 1)), "any bit of", number(1));
}

/** The filter that is blank. */
export const EVERYTHING = ALWAYS;
