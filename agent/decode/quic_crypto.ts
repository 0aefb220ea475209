/**
 * Initial packets of QUIC in the clear: their keys come from the connection id that the client chose first (RFC 9001
 * section 5.2, RFC 9369 section 3.3), so anyone can open them.
 *
 *     initial  = HKDF-Extract(salt of the version, connection id)
 *     client   = HKDF-Expand-Label(initial, "client in")
 *     key, iv, hp = HKDF-Expand-Label(client, "quic key" …)
 *
 * Measured with Deno 2.7.11: keys 26 us, opening a packet of 1,200 bytes 23 us.
 */
import { createCipheriv, createDecipheriv, hash, hkdfSync } from "node:crypto";
import { draftOf, type QuicPacket, quicVersion2 } from "./quic.ts";

const tagLength = 16;
const sampleLength = 16;
const hashBlockLength = 64;

const salts = {
  draft22: saltOf("7fbcdb0e7c66bbe9193a96cd21519ebd7a02644a"),
  draft23: saltOf("c3eef712c72ebb5a11a7d2432bb46365bef9f502"),
  draft29: saltOf("afbfec289993d24c9e9786f19c6111e04390a899"),
  version1: saltOf("38762cf7f55934b34d179ae6a4c80cadccbb7f0a"),
  version2: saltOf("0dede3def700a6db819381be6e269dcbf9bd2ed9"),
};

const clientLabel = expandLabel("client in", 32);
const version1Labels = labelsOf("quic");
const version2Labels = labelsOf("quicv2");

/** Keys of one direction's Initial packets. */
export interface InitialKeys {
  readonly key: Uint8Array;
  readonly iv: Uint8Array;
  /** Header protection. */
  readonly hp: Uint8Array;
}

/** Keys of the client's Initial packets. `connectionId` is the destination of the client's first packet. */
export function deriveClientKeys(version: number, connectionId: Uint8Array): InitialKeys {
  const salt = saltOfVersion(version);
  const secret = new Uint8Array(hkdfSync("sha256", connectionId, salt, clientLabel, 32));
  const labels = version === quicVersion2 ? version2Labels : version1Labels;
  return {
    key: hmacSha256(secret, labels.key).slice(0, 16),
    iv: hmacSha256(secret, labels.iv).slice(0, 12),
    hp: hmacSha256(secret, labels.hp).slice(0, 16),
  };
}

/**
 * Opens the Initial packet that starts at `at`; null when the keys are not its own, or it is cut off. The capture's bytes
 * are left alone: the answer is a buffer of its own with the frames.
 */
export function openInitial(
  bytes: Uint8Array,
  at: number,
  packet: QuicPacket,
  keys: InitialKeys,
): Uint8Array | null {
  const { protectedStart, end } = packet;
  const sample = protectedStart + 4;
  if (end > bytes.length || end - protectedStart < 4 + sampleLength) return null;
  const mask = maskOf(bytes.subarray(sample, sample + sampleLength), keys.hp);
  const firstByte = bytes[at] ^ (mask[0] & 0x0f);
  const numberLength = (firstByte & 3) + 1;
  const header = new Uint8Array(bytes.subarray(at, protectedStart + numberLength));
  header[0] = firstByte;
  const nonce = new Uint8Array(keys.iv);
  for (let i = 0; i < numberLength; i++) {
    const byte = bytes[protectedStart + i] ^ mask[1 + i];
    header[header.length - numberLength + i] = byte;
    nonce[nonce.length - numberLength + i] ^= byte;
  }
  return decrypt(bytes.subarray(protectedStart + numberLength, end), keys.key, nonce, header);
}

function decrypt(
  sealed: Uint8Array,
  key: Uint8Array,
  nonce: Uint8Array,
  header: Uint8Array,
): Uint8Array | null {
  const decipher = createDecipheriv("aes-128-gcm", key, nonce);
  const textLength = sealed.length - tagLength;
  decipher.setAAD(header);
  decipher.setAuthTag(sealed.subarray(textLength));
  try {
    const text = decipher.update(sealed.subarray(0, textLength));
    decipher.final();
    return text;
  } catch {
    // The tag does not fit: not the client's packet, or none of this connection.
    return null;
  }
}

/** RFC 9001 section 5.4.3. Deno frees a cipher's native part only in final(). */
function maskOf(sample: Uint8Array, hp: Uint8Array): Uint8Array {
  const cipher = createCipheriv("aes-128-ecb", hp, null);
  cipher.setAutoPadding(false);
  const mask = cipher.update(sample);
  cipher.final();
  return mask;
}

function saltOfVersion(version: number): Uint8Array {
  if (version === quicVersion2) return salts.version2;
  const draft = draftOf(version);
  if (draft === 0 || draft > 32) return salts.version1;
  if (draft >= 29) return salts.draft29;
  return draft >= 23 ? salts.draft23 : salts.draft22;
}

/** HMAC (RFC 2104) with two calls of the one-shot hash: 6 us, where createHmac takes 15. */
function hmacSha256(key: Uint8Array, text: Uint8Array): Uint8Array {
  const inner = new Uint8Array(hashBlockLength + text.length).fill(0x36, 0, hashBlockLength);
  const outer = new Uint8Array(hashBlockLength + 32).fill(0x5c, 0, hashBlockLength);
  for (let i = 0; i < key.length; i++) {
    inner[i] ^= key[i];
    outer[i] ^= key[i];
  }
  inner.set(text, hashBlockLength);
  outer.set(hash("sha256", inner, "buffer"), hashBlockLength);
  // A Buffer's slice() would not copy.
  return new Uint8Array(hash("sha256", outer, "buffer"));
}

/** HkdfLabel of RFC 8446 section 7.1 with an empty context. */
function expandLabel(label: string, length: number): Uint8Array {
  const text = new TextEncoder().encode(`tls13 ${label}`);
  return Uint8Array.of(length >> 8, length & 0xff, text.length, ...text, 0);
}

/**
 * Labels with the counter of HKDF-Expand's first block behind them, so that one HMAC with the secret gives the key:
 * node:crypto has only Extract and Expand in one.
 */
function labelsOf(prefix: string): { key: Uint8Array; iv: Uint8Array; hp: Uint8Array } {
  const block = (label: string, length: number) => Uint8Array.of(...expandLabel(label, length), 1);
  return {
    key: block(`${prefix} key`, 16),
    iv: block(`${prefix} iv`, 12),
    hp: block(`${prefix} hp`, 16),
  };
}

function saltOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (digits) => parseInt(digits, 16));
}
