/**
 * Finds the flow that a packet belongs to, by its key and by the virtual network (VLAN, VXLAN or Geneve id) that it is in:
 * two tenants may use the same addresses. What makes that hard is that the directions of one flow may be in different
 * networks: tagged in one direction only, or mirrored where each direction comes in, before a router has put it into
 * the other's VLAN. So a flow knows one network for each of its ends, the one that its end sends in:
 *
 * - A packet whose end sends in the packet's network belongs to the flow; so does the first packet of an end in the
 *   network that the other end sends in.
 * - The first packet of an end in another network belongs to the flow when no other flow fits better, and, if it
 *   acknowledges something over TCP, when that is near what the other end has sent.
 * - Over TCP an end may change its network where its numbers go on. Otherwise it does only to the network that the other
 *   end sends in: then what it had was taken for the wrong flow's.
 * - Everything else begins a flow.
 *
 * The first flow of a key stands in the index under the hash of the key, and others that come while it stands under the
 * hash of the key and the network they began in.
 */
import {
  F_HASH,
  F_HIGHEST,
  F_INTERFACE,
  F_KIND,
  F_NETWORKS,
  F_STATE,
  NETWORK_UNKNOWN,
  P_NETWORK,
  P_TCP_ACKNOWLEDGEMENT,
  P_TCP_FLAGS,
  P_TCP_SEQUENCE,
  P_VLAN_ID,
  TRANSPORT_TCP,
} from "../layout";
import { findIndexed } from "./flow_index";
import { hashKey, hasKey, isSwapped, recentPlace } from "./flow_key";
import { directionOf } from "./roles";
import { ACK, endState, INACTIVE, SYN } from "./tcp_states";
import { field } from "./words";

/** Numbers further from each other than this are of different connections. */
const NEAR: i32 = 0x100000;
const NETWORK_SPREAD: i32 = <i32> 0x9e3779b1;

/** Where the flow that the packet begins goes in the index. */
export let hashOfNext: i32 = 0;
/** Some key has had several flows at a time. */
let areKeysShared: bool = false;

/** The flow of the packet in hand; 0 when there is none. */
@inline
export function findFlow(): usize {
  const recent = recentPlace();
  const hint = load<usize>(recent);
  if (hint != 0 && hasKey(hint) && sendsInNetwork(hint)) return hint;
  const flow = lookUp();
  if (flow != 0) store<usize>(recent, flow);
  return flow;
}

/** Remembers that the flow was the last one with its key. */
@inline
export function noteRecent(flow: usize): void {
  store<usize>(recentPlace(), flow);
}

/** The flow is ending, and the packet in hand begins the next one in its place. */
export function takePlaceOf(flow: usize): void {
  hashOfNext = load<i32>(flow, F_HASH << 2);
}

function lookUp(): usize {
  const hash = hashKey();
  const first = findIndexed(hash);
  if (first != 0 && sendsInNetwork(first)) return first;
  hashOfNext = hash;
  if (first == 0 && !areKeysShared) return 0;
  return findAmongNetworks(first, hash);
}

function findAmongNetworks(first: usize, hash: i32): usize {
  const network = field(P_NETWORK);
  if (first != 0 && isUnheard(first) && peerNetwork(first) == network) return enter(first);
  const hashHere = hash ^ (network + 1) * NETWORK_SPREAD;
  const other = areKeysShared ? findIndexed(hashHere) : 0;
  if (other != 0) return enter(other);
  if (first == 0) return 0;
  if (isOfSameFlow(first)) return enter(first);
  hashOfNext = hashHere;
  areKeysShared = true;
  return 0;
}

/** The half of F_NETWORKS of the end that sent the packet in hand. */
@inline
function ownNetworkAt(flow: usize): usize {
  return flow + (<usize> isSwapped << 1) + (F_NETWORKS << 2);
}

@inline
function sendsInNetwork(flow: usize): bool {
  return load<u16>(ownNetworkAt(flow)) == field(P_NETWORK);
}

@inline
function isUnheard(flow: usize): bool {
  return load<u16>(ownNetworkAt(flow)) == NETWORK_UNKNOWN;
}

@inline
function peerNetwork(flow: usize): i32 {
  return load<u16>(ownNetworkAt(flow) ^ 2);
}

/** Sets the networks of a new flow. */
export function startNetworks(flow: usize): void {
  store<i32>(flow, -1, F_NETWORKS << 2);
  store<u16>(ownNetworkAt(flow), <u16> field(P_NETWORK));
}

/** The end that sent the packet in hand sends in its network; the first VLAN seen is the flow's. */
function enter(flow: usize): usize {
  store<u16>(ownNetworkAt(flow), <u16> field(P_NETWORK));
  const vlanAt = flow + (F_INTERFACE << 2) + 2;
  if (load<i16>(vlanAt) == -1) store<i16>(vlanAt, <i16> field(P_VLAN_ID));
  return flow;
}

/** Whether the packet in hand belongs to a flow with its key although it is in another network than its end sent in so far. */
function isOfSameFlow(flow: usize): bool {
  const flags = field(P_TCP_FLAGS);
  const isTcp = load<u8>(flow, F_KIND << 2) == TRANSPORT_TCP && flags >= 0;
  if (!isTcp) return isUnheard(flow) || peerNetwork(flow) == field(P_NETWORK);
  const direction = directionOf(flow);
  const states = load<i32>(flow, F_STATE << 2);
  const isHeard = endState(states, direction) != INACTIVE;
  const isSyn = (flags & (SYN | ACK)) == SYN;
  // Nothing in a SYN tells whose it is.
  if (isSyn) return !isHeard && (field(P_NETWORK) == 0 || peerNetwork(flow) == 0);
  if (isHeard && !isNear(flow, direction, P_TCP_SEQUENCE)) return false;
  if ((flags & ACK) == 0 || endState(states, direction ^ 1) == INACTIVE) return true;
  return isNear(flow, direction ^ 1, P_TCP_ACKNOWLEDGEMENT);
}

function isNear(flow: usize, direction: i32, numberField: i32): bool {
  const difference = field(numberField) - load<i32>(flow + (direction << 2), F_HIGHEST << 2);
  return difference >= -NEAR && difference <= NEAR;
}
