/** The ClientHello of a QUIC connection, put together from the client's Initial packets. */
import { Application, type ApplicationDetails, type Packet } from "../records.ts";
import { describeTls, describeWaiting } from "./app_details.ts";
import { Pending, type PendingFlows } from "./app_pending.ts";
import { Assembly } from "./assembly.ts";
import { helloLengthMax, readClientHello } from "./client_hello.ts";
import { collectCrypto } from "./quic_hello.ts";
import { handshakeHeaderLength, handshakeLength } from "./tls.ts";

const oneDatagram = new Assembly();

/** What the datagram, with those before it that wait in `flows`, says; null when it says nothing. */
export function readQuic(
  flows: PendingFlows,
  bytes: Uint8Array,
  packet: Packet,
  key: number,
): ApplicationDetails | null {
  const at = packet.payloadOffset;
  const end = at + packet.payloadCapturedLength;
  const found = flows.find(key);
  if (bytes[at] < 0x80 || (found !== undefined && !found.isFrom(packet))) return null;
  const pending = found ?? new Pending(packet, { application: Application.quic });
  const keys = collectCrypto(bytes, { at, end }, pending.keys, pending.assembly);
  if (keys === null) return null;
  pending.keys = keys;
  const details = readHello(pending.assembly);
  if (details !== null && !details.isComplete && pending.countPacket()) {
    if (found === undefined) flows.add(key, pending);
    return details;
  }
  flows.delete(key);
  return details?.isComplete ? details : null;
}

/** The ClientHello of one datagram by itself; null when it has none, or only a part that does not start it. */
export function readQuicDatagram(
  bytes: Uint8Array,
  at: number,
  end: number,
): ApplicationDetails | null {
  if (bytes[at] < 0x80) return null;
  oneDatagram.clear();
  const keys = collectCrypto(bytes, { at, end }, null, oneDatagram);
  if (keys === null || oneDatagram.contiguous === 0) return null;
  const tls = readClientHello(oneDatagram.bytes, 0, oneDatagram.contiguous, "q");
  return tls === null ? null : describeTls(Application.quic, tls);
}

function readHello(assembly: Assembly): ApplicationDetails | null {
  const { bytes, contiguous } = assembly;
  if (contiguous < handshakeHeaderLength) return describeWaiting(Application.quic);
  const length = handshakeLength(bytes, 0);
  if (length > helloLengthMax) return null;
  if (contiguous < length) return describeWaiting(Application.quic);
  const tls = readClientHello(bytes, 0, length, "q");
  return tls === null ? null : describeTls(Application.quic, tls);
}
