/** What the hot path leaves to TypeScript; see HotCalls in hot_path.ts. */

// Decodes a row that is no common packet into the packet's words. Returns how many bytes are that packet's when others share
// the frame with it, else 0.
@external("env", "decode")
export declare function decode(row: i32): i32;
// Goes on to the next packet of the same frame; returns its bytes, or 0 when there is none.
@external("env", "decodeFurther")
export declare function decodeFurther(row: i32): i32;
// A flow has begun with the packet in hand.
@external("env", "flowBegan")
export declare function flowBegan(slot: i32): void;
// A flow ends, or is cut; the slot can still be read.
@external("env", "flowEnded")
export declare function flowEnded(slot: i32, reason: i32): void;
// A host was added; its flags are to be set.
@external("env", "hostAdded")
export declare function hostAdded(row: i32, timestampUs: f64): void;
// There are as many hosts as may be: some are to leave.
@external("env", "hostsFull")
export declare function hostsFull(): void;
// The MAC addresses of a packet may tell something of its hosts.
@external("env", "macsSeen")
export declare function macsSeen(row: i32, source: i32, destination: i32, isAnswered: bool): void;
// The payload of a flow that has not told its name.
@external("env", "inspect")
export declare function inspect(row: i32, slot: i32): void;
// A segment of a flow that is followed: offset in its stream, length, payload in the batch's bytes, and what it acknowledges as
// an offset of the other direction.
@external("env", "segmentSeen")
export declare function segmentSeen(
  slot: i32,
  offset: i32,
  length: i32,
  payloadAt: i32,
  captured: i32,
  acknowledged: i32,
  timestampUs: f64,
): void;
// A packet row may be made; slot -1 is no flow.
@external("env", "makeRow")
export declare function makeRow(row: i32, slot: i32): void;
// The packet is an ICMP error, which detectors want to know of; marks as O_MARK_ of the layout.
@external("env", "icmpError")
export declare function icmpError(row: i32, marks: i32): void;
// There is no room for another row for the detectors.
@external("env", "observationsFull")
export declare function observationsFull(): void;
// A packet belongs to another second than the one in progress.
@external("env", "secondOver")
export declare function secondOver(timestampUs: f64): void;
// Traffic time has reached S_TICK_AT_US.
@external("env", "tick")
export declare function tick(): void;
