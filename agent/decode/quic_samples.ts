/** Seals Initial packets of QUIC for this folder's tests, as RFC 9001 appendix A.2 shows it step by step. */
import { createCipheriv } from "node:crypto";
import { fromHex } from "./app_samples.ts";
import { join, uint16, uint32 } from "./packet_builder.ts";
import { quicVersion1, quicVersion2 } from "./quic.ts";
import { deriveClientKeys } from "./quic_crypto.ts";

/** The connection id of RFC 9001 appendix A. */
export const rfcConnectionId = fromHex("8394c8f03e515708");

interface InitialFields {
  readonly version?: number;
  readonly connectionId?: Uint8Array;
  /** The id that the keys are made of, where that is not the packet's. */
  readonly keyId?: Uint8Array;
  readonly packetNumber?: number;
  readonly numberLength?: number;
  readonly frames: Uint8Array;
}

/** A protected Initial packet of a client. */
export function sealInitial(fields: InitialFields): Uint8Array {
  const version = fields.version ?? quicVersion1;
  const id = fields.connectionId ?? rfcConnectionId;
  const numberLength = fields.numberLength ?? 2;
  const keys = deriveClientKeys(version, fields.keyId ?? id);
  const number = uint32(fields.packetNumber ?? 0).slice(4 - numberLength);
  const length = numberLength + fields.frames.length + 16;
  const type = version === quicVersion2 ? 0x10 : 0;
  const start = join(
    [0xc0 | type | numberLength - 1],
    uint32(version),
    [id.length],
    id,
    [0, 0],
    uint16(0x4000 | length),
  );
  const header = join(start, number);
  const nonce = keys.iv.slice();
  number.forEach((byte, index) => nonce[nonce.length - numberLength + index] ^= byte);
  const cipher = createCipheriv("aes-128-gcm", keys.key, nonce);
  cipher.setAAD(header);
  const sealed = join(cipher.update(fields.frames), cipher.final(), cipher.getAuthTag());
  const packet = join(header, sealed);
  const sample = packet.subarray(start.length + 4, start.length + 20);
  const masking = createCipheriv("aes-128-ecb", keys.hp, null);
  const mask = join(masking.update(sample), masking.final());
  packet[0] ^= mask[0] & 0x0f;
  for (let i = 0; i < numberLength; i++) packet[start.length + i] ^= mask[1 + i];
  return packet;
}

/** A CRYPTO frame with the bytes of `stream` from `start` to `end`. */
export function cryptoFrame(stream: Uint8Array, start: number, end: number): Uint8Array {
  return join(
    [6],
    uint16(0x4000 | start),
    uint16(0x4000 | end - start),
    stream.subarray(start, end),
  );
}
