/**
 * DNS over TCP (RFC 1035 section 4.2.2; RFC 7766 section 8): messages behind their length of two bytes, several in a segment
 * or one in several, put together for each direction.
 *
 *     length:16 | message     length:16 | message     …
 */
import { Application } from "../records.ts";
import { payloadSequence, Pending, type PendingFlows, type SegmentInHand } from "./app_pending.ts";
import { assemblyLengthMax } from "./assembly.ts";
import { readUint16 } from "./bytes.ts";
import { dnsHeaderLength, isDnsShaped } from "./dns.ts";

const lengthLength = 2;

/** Takes a message from `at` to `end`; the last one of a segment may be cut off. */
export type TakeMessage = (bytes: Uint8Array, at: number, end: number) => void;

/** Takes the segment's messages that are whole by now; whether more of the stream is needed. */
export function readDnsSegment(
  flows: PendingFlows,
  key: number,
  segment: SegmentInHand,
  take: TakeMessage,
): boolean {
  const { bytes, packet, at, end, isWhole } = segment;
  const next = takeMessages(bytes, at, end, take);
  if (next === end) return false;
  if (!isWhole || !isMessageStart(bytes, next, end)) {
    takeCut(bytes, next, end, take);
    return false;
  }
  const sequence = payloadSequence(packet) + (next - packet.payloadOffset) | 0;
  const pending = new Pending(packet, { application: Application.dns, sequence });
  pending.addSegment(bytes, packet, false);
  flows.add(key, pending);
  return true;
}

/** As readDnsSegment(), for a segment that has been added to what waits; `isLast` when no more is to be waited for. */
export function readDnsPending(
  flows: PendingFlows,
  key: number,
  pending: Pending,
  { isLast, take }: { readonly isLast: boolean; readonly take: TakeMessage },
): boolean {
  const { assembly } = pending;
  const next = takeMessages(assembly.bytes, 0, assembly.contiguous, take);
  const isAnyLeft = next === 0 || pending.dropStart(next);
  const { bytes, contiguous } = assembly;
  if (isAnyLeft && !isLast && isMessageStart(bytes, 0, contiguous)) return true;
  takeCut(bytes, 0, contiguous, take);
  flows.delete(key);
  return false;
}

/** Takes the whole messages from `at` on; returns where the first one begins that is not whole. */
function takeMessages(bytes: Uint8Array, at: number, end: number, take: TakeMessage): number {
  let next = at;
  while (next + lengthLength <= end) {
    const message = next + lengthLength;
    const messageEnd = message + readUint16(bytes, next);
    if (messageEnd > end) break;
    take(bytes, message, messageEnd);
    next = messageEnd;
  }
  return next;
}

function takeCut(bytes: Uint8Array, at: number, end: number, take: TakeMessage): void {
  if (end - at > lengthLength) take(bytes, at + lengthLength, end);
}

/** Whether a message that is worth waiting for may begin here. */
function isMessageStart(bytes: Uint8Array, at: number, end: number): boolean {
  if (end - at < lengthLength) return true;
  const length = readUint16(bytes, at);
  if (length < dnsHeaderLength || length > assemblyLengthMax - lengthLength) return false;
  const message = at + lengthLength;
  return end - message < dnsHeaderLength || isDnsShaped(bytes, message, end, length);
}
