/** Builds packets for the decoder's tests, header around payload, with right lengths unless told otherwise. */

/** Joins byte arrays and lists of bytes. */
export function join(...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** Two bytes, most significant first. */
export function uint16(value: number): number[] {
  return [(value >> 8) & 0xff, value & 0xff];
}

/** Four bytes, most significant first. */
export function uint32(value: number): number[] {
  return [...uint16(value >>> 16), ...uint16(value & 0xffff)];
}

/** 02:00:00:00:00:02 to 02:00:00:00:00:01. */
export function ethernet(typeOrLength: number, payload: Uint8Array): Uint8Array {
  return join([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2], uint16(typeOrLength), payload);
}

/** What follows a tag's EtherType. */
export function vlan(id: number, typeOrLength: number, payload: Uint8Array): Uint8Array {
  return join(uint16(id), uint16(typeOrLength), payload);
}

interface Ipv4Fields {
  readonly protocol: number;
  readonly options?: readonly number[];
  readonly totalLength?: number;
  /** Flags and offset as they stand in the header. */
  readonly fragment?: number;
  readonly versionAndLength?: number;
}

/** 192.0.2.1 to 198.51.100.2, TTL 64. */
export function ipv4(fields: Ipv4Fields, payload: Uint8Array): Uint8Array {
  const options = fields.options ?? [];
  const headerLength = 20 + options.length;
  return join(
    [fields.versionAndLength ?? (0x40 | (headerLength / 4)), 0],
    uint16(fields.totalLength ?? headerLength + payload.length),
    [0, 1],
    uint16(fields.fragment ?? 0),
    [64, fields.protocol, 0, 0, 192, 0, 2, 1, 198, 51, 100, 2],
    options,
    payload,
  );
}

interface Ipv6Fields {
  readonly nextHeader: number;
  readonly payloadLength?: number;
}

/** 2001:db8::1 to 2001:db8::2, hop limit 63. */
export function ipv6(fields: Ipv6Fields, payload: Uint8Array): Uint8Array {
  const prefix = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
  return join(
    [0x60, 0, 0, 0],
    uint16(fields.payloadLength ?? payload.length),
    [fields.nextHeader, 63],
    [...prefix, 1, ...prefix, 2],
    payload,
  );
}

/** An IPv6 extension header of eight bytes. */
export function extension(nextHeader: number, payload: Uint8Array): Uint8Array {
  return join([nextHeader, 0, 1, 4, 0, 0, 0, 0], payload);
}

interface TcpFields {
  readonly flags: number;
  readonly options?: readonly number[];
  readonly dataOffset?: number;
}

/** 40000 to 443, sequence 0xfedcba98, acknowledgement 0x01020304, window 512. */
export function tcp(fields: TcpFields, payload: Uint8Array): Uint8Array {
  const options = fields.options ?? [];
  const dataOffset = fields.dataOffset ?? 5 + options.length / 4;
  return join(
    uint16(40000),
    uint16(443),
    uint32(0xfedcba98),
    uint32(0x01020304),
    uint16((dataOffset << 12) | fields.flags),
    uint16(512),
    [0, 0, 0, 0],
    options,
    payload,
  );
}

interface UdpFields {
  readonly source?: number;
  readonly destination: number;
  readonly length?: number;
}

export function udp(fields: UdpFields, payload: Uint8Array): Uint8Array {
  return join(
    uint16(fields.source ?? 50000),
    uint16(fields.destination),
    uint16(fields.length ?? 8 + payload.length),
    [0, 0],
    payload,
  );
}

/** An 802.11 frame that holds what Ethernet frames hold, in an A-MSDU. */
export function amsdu(frames: readonly Uint8Array[]): Uint8Array {
  const head = [0x88, 0x01, 0, 0, ...filler(18), 0, 0, 0x80, 0];
  const subframes = frames.map((frame, index) => {
    const body = join([0xaa, 0xaa, 3, 0, 0, 0], frame.subarray(12));
    const padding = index < frames.length - 1 ? -(14 + body.length) & 3 : 0;
    return join(frame.subarray(0, 12), uint16(body.length), body, new Uint8Array(padding));
  });
  return join(head, ...subframes);
}

/** `length` bytes counting up. */
export function filler(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => index & 0xff);
}
