/** How the decoder's tests run it: away from offset 0, between bytes that must not matter, checked for sanity. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { Linktype, Packet, StopReason, Transport } from "../records.ts";
import { decodePacket } from "./decode.ts";
import { ethernet, filler, ipv4, ipv6, join, tcp, udp } from "./packet_builder.ts";
import { TUNNEL_PORTS } from "./tunnel_ports.ts";

/** Where decodeBytes() puts the packet, so that forgotten offsets show. */
export const START = 37;

interface DecodeOptions {
  readonly linktype?: number;
  readonly wireLength?: number;
  readonly tunnelPorts?: Uint8Array;
}

/** Decodes `bytes` twice, between zeros and between ones, and demands the same sane outcome. */
export function decodeBytes(bytes: Uint8Array, options: DecodeOptions = {}): Packet {
  const linktype = options.linktype ?? Linktype.ethernet;
  const wireLength = options.wireLength ?? bytes.length;
  const packets = [0x00, 0xff].map((around) => {
    const buffer = new Uint8Array(START + bytes.length + 64).fill(around);
    buffer.set(bytes, START);
    const packet = new Packet();
    const tunnelPorts = options.tunnelPorts ?? TUNNEL_PORTS;
    decodePacket(buffer, START, bytes.length, wireLength, linktype, packet, tunnelPorts);
    return packet;
  });
  deepStrictEqual(packets[0], packets[1]);
  checkBounds(packets[0], bytes.length);
  const isWhole = wireLength <= bytes.length;
  ok(!isWhole || packets[0].stopReason !== StopReason.truncated, "whole packets are not truncated");
  return packets[0];
}

function checkBounds(packet: Packet, capturedLength: number): void {
  const end = START + capturedLength;
  const addressLength = packet.outerIpVersion === 4 ? 4 : 16;
  for (const offset of [packet.outerSourceOffset, packet.outerDestinationOffset]) {
    ok(offset === -1 || (offset >= START && offset + addressLength <= end), "address in capture");
  }
  ok(packet.linkOffset === -1 || packet.linkOffset + 12 <= end, "MAC address in capture");
  ok(packet.arpOffset === -1 || packet.arpOffset + 8 <= end, "ARP in capture");
  ok(packet.payloadCapturedLength <= packet.payloadLength, "captured part of payload");
  const hasPayload = packet.payloadCapturedLength > 0;
  ok(!hasPayload || packet.payloadOffset + packet.payloadCapturedLength <= end, "payload end");
  ok((packet.stopReason === StopReason.complete) === (packet.stopLayer === 0), "stop has a layer");
  for (const [name, value] of Object.entries(packet)) ok(Number.isInteger(value), name);
}

/**
 * Decodes every shorter prefix of `bytes`, as a packet that ends too early and as a capture that a snaplen cut off.
 * The latter is truncated below `headersLength`, and says from there on what the whole packet says, but for the
 * captured part of the payload.
 */
export function checkPrefixes(
  bytes: Uint8Array,
  headersLength: number,
  options: DecodeOptions = {},
): void {
  const whole = decodeBytes(bytes, options);
  for (let length = 0; length < bytes.length; length++) {
    const prefix = bytes.subarray(0, length);
    decodeBytes(prefix, options);
    const cut = decodeBytes(prefix, { ...options, wireLength: bytes.length });
    if (length < headersLength) {
      deepStrictEqual([length, cut.stopReason], [length, StopReason.truncated]);
    } else {
      cut.payloadCapturedLength = whole.payloadCapturedLength;
      deepStrictEqual(cut, whole);
    }
  }
}

/** What stands in a tunnel under test: a SYN to port 443 with five bytes of payload, alone and in a frame. */
export const INNER_IP = ipv4({ protocol: 6 }, tcp({ flags: 2 }, filler(5)));
export const INNER_IP6 = ipv6({ nextHeader: 6 }, tcp({ flags: 2 }, filler(5)));
export const INNER_FRAME = ethernet(0x0800, INNER_IP);

/** The tunnel leads to the inner packet, from whole packets and from those cut off behind its headers. */
export function checkTunnel(bytes: Uint8Array, name: string, options: DecodeOptions = {}): void {
  const packet = decodeBytes(bytes, options);
  strictEqual(packet.transport, Transport.tcp, name);
  strictEqual(packet.destinationPort, 443, name);
  strictEqual(packet.tunnelDepth, 1, name);
  strictEqual(packet.outerTcpFlags, -1, name);
  strictEqual(packet.payloadLength, 5, name);
  strictEqual(packet.stopReason, StopReason.complete, name);
  checkPrefixes(bytes, bytes.length - 5, options);
}

/** The packet is a datagram like any other. */
export function checkPlainUdp(bytes: Uint8Array, name: string, options: DecodeOptions = {}): void {
  const packet = decodeBytes(bytes, options);
  strictEqual(packet.transport, Transport.udp, name);
  strictEqual(packet.tunnelDepth, 0, name);
  strictEqual(packet.stopReason, StopReason.complete, name);
}

/** An IPv4 datagram between two ports. */
export function datagram(
  ports: { readonly source?: number; readonly destination: number },
  ...parts: readonly (Uint8Array | readonly number[])[]
): Uint8Array {
  return ipv4({ protocol: 17 }, udp(ports, join(...parts)));
}
