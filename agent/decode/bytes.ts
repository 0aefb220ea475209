/** Big-endian integers by index arithmetic. Callers have checked that the bytes are there. */

/** Unsigned 16 bits. */
export function readUint16(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 8) | bytes[at + 1];
}

/** Unsigned 16 bits, least significant byte first. */
export function readUint16LittleEndian(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8);
}

/** Unsigned 32 bits, least significant byte first. */
export function readUint32LittleEndian(bytes: Uint8Array, at: number): number {
  return (readUint16LittleEndian(bytes, at) | (readUint16LittleEndian(bytes, at + 2) << 16)) >>> 0;
}

/** 32 bits as a signed integer, which V8 keeps unboxed. */
export function readInt32(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
}

/** Unsigned 32 bits. */
export function readUint32(bytes: Uint8Array, at: number): number {
  return readInt32(bytes, at) >>> 0;
}
