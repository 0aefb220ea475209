/**
 * Who has sent in the row's flow, and to whom. A row of a contact is its sender's; the end of a flow is told of its originator,
 * who may have sent nothing, where a server's port made the one that alone has spoken its responder.
 */
import {
  destinationPort,
  has,
  kind,
  origBytes,
  origPackets,
  respBytes,
  respPackets,
  sourcePort,
} from "../../common/assembly/row";
import {
  KIND_END,
  MARK_IS_DESTINATION_LOCAL,
  MARK_IS_SOURCE_LOCAL,
  MARK_SENT_BY_ORIGINATOR,
} from "../../common/row_layout";

/** Words of the row at which its addresses begin. */
export const SOURCE: i32 = 3;
export const DESTINATION: i32 = 7;

/** Words of the row at which the addresses begin, and the ports. */
export let sender: i32 = SOURCE;
export let receiver: i32 = DESTINATION;
export let senderPort: i32 = 0;
export let receiverPort: i32 = 0;
/** Packets and payload bytes that the sender has sent so far, and packets of the receiver. */
export let sent: u32 = 0;
export let sentBytes: u32 = 0;
export let returned: u32 = 0;
/** False where the sender is the flow's responder. */
export let isOriginator: bool = true;

/** Takes up the row's. */
export function takeEnds(): void {
  const isEnd = kind() == KIND_END;
  isOriginator = isEnd ? origPackets() != 0 : has(MARK_SENT_BY_ORIGINATOR);
  const isBySource = !isEnd || isOriginator;
  sender = isBySource ? SOURCE : DESTINATION;
  receiver = isBySource ? DESTINATION : SOURCE;
  senderPort = isBySource ? sourcePort() : destinationPort();
  receiverPort = isBySource ? destinationPort() : sourcePort();
  sent = isOriginator ? origPackets() : respPackets();
  sentBytes = isOriginator ? origBytes() : respBytes();
  returned = isOriginator ? respPackets() : origPackets();
}

@inline
export function isLocal(word: i32): bool {
  return has(word == SOURCE ? MARK_IS_SOURCE_LOCAL : MARK_IS_DESTINATION_LOCAL);
}

/** Whether it comes from outside to a host here. */
export function isFromOutside(): bool {
  return isLocal(receiver) && !isLocal(sender);
}
