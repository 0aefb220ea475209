/**
 * A small authority for one fleet: certificates of X.509 version 3 (RFC 5280) with P-256 keys, signed with ECDSA and SHA-256. Written
 * out here so that neither openssl nor a library is needed for the one form that is.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from "node:crypto";
import { parseIp } from "../decode/addresses.ts";

export interface Certified {
  /** PEM. */
  readonly certificate: string;
  /** PEM, PKCS #8. Secret. */
  readonly key: string;
}

const yearMs = 365.25 * 86_400_000;

/** An authority that signs certificates of servers, and nothing else. */
export function makeAuthority(nowMs: number, years = 20): Certified {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const name = nameOf("tapwatch fleet authority");
  const certificate = signed({
    issuer: name,
    subject: name,
    publicKey,
    signer: privateKey,
    nowMs,
    years,
    extensions: [
      // No further authority below it.
      extension("2.5.29.19", sequence(bool(true), integer([0])), true),
      // keyCertSign, cRLSign.
      extension("2.5.29.15", tlv(0x03, [1, 0x06]), true),
      extension("2.5.29.14", tlv(0x04, keyId(publicKey))),
    ],
  });
  return { certificate, key: pemOf(privateKey) };
}

/** A certificate of a server with these host names and addresses. */
export function makeServerCertificate(
  authority: Certified,
  { hosts, nowMs, years = 10 }: {
    readonly hosts: readonly string[];
    readonly nowMs: number;
    readonly years?: number;
  },
): Certified {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const signer = createPrivateKey(authority.key);
  const certificate = signed({
    issuer: nameOf("tapwatch fleet authority"),
    subject: nameOf(hosts[0]!.slice(0, 64)),
    publicKey,
    signer,
    nowMs,
    years,
    extensions: [
      extension("2.5.29.19", sequence(), true),
      // digitalSignature.
      extension("2.5.29.15", tlv(0x03, [7, 0x80]), true),
      // serverAuth, and clientAuth for the nodes of a cluster among themselves.
      extension("2.5.29.37", sequence(oid("1.3.6.1.5.5.7.3.1"), oid("1.3.6.1.5.5.7.3.2"))),
      extension("2.5.29.17", sequence(...hosts.map(alternativeName))),
      extension("2.5.29.35", sequence(tlv(0x80, keyId(createPublicKey(authority.key))))),
    ],
  });
  return { certificate, key: pemOf(privateKey) };
}

function alternativeName(host: string): Uint8Array {
  const address = parseIp(host);
  return address ? tlv(0x87, address) : tlv(0x82, new TextEncoder().encode(host));
}

function signed({ issuer, subject, publicKey, signer, nowMs, years, extensions }: {
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly publicKey: KeyObject;
  readonly signer: KeyObject;
  readonly nowMs: number;
  readonly years: number;
  readonly extensions: readonly Uint8Array[];
}): string {
  const algorithm = sequence(oid("1.2.840.10045.4.3.2"));
  const serial = crypto.getRandomValues(new Uint8Array(16));
  serial[0] = serial[0]! & 0x7f | 0x40;
  const body = sequence(
    tlv(0xa0, integer([2])),
    integer(serial),
    algorithm,
    issuer,
    // A day before, for hosts whose clock is behind.
    sequence(time(nowMs - 86_400_000), time(nowMs + years * yearMs)),
    subject,
    publicKey.export({ type: "spki", format: "der" }),
    tlv(0xa3, sequence(...extensions)),
  );
  const signature = sign("sha256", body, { key: signer, dsaEncoding: "der" });
  return pem("CERTIFICATE", sequence(body, algorithm, tlv(0x03, [0, ...signature])));
}

/** RFC 5280 section 4.2.1.2, method 1, over all of the key's structure, which serves as well. */
function keyId(key: KeyObject): Uint8Array {
  return createHash("sha1").update(key.export({ type: "spki", format: "der" })).digest();
}

const pemOf = (key: KeyObject): string => key.export({ type: "pkcs8", format: "pem" }).toString();

function pem(label: string, der: Uint8Array): string {
  const lines = der.toBase64().match(/.{1,64}/g)!.join("\n");
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}

// ---------------------------------------------------------------- DER, X.690

function tlv(tag: number, content: ArrayLike<number>): Uint8Array {
  const { length } = content;
  const size = length < 0x80
    ? [length]
    : length < 0x100
    ? [0x81, length]
    : [0x82, length >> 8, length & 0xff];
  return Uint8Array.from([tag, ...size, ...Array.from(content)]);
}

const sequence = (...parts: readonly Uint8Array[]): Uint8Array =>
  tlv(0x30, parts.flatMap((part) => [...part]));
const bool = (value: boolean): Uint8Array => tlv(0x01, [value ? 0xff : 0]);
/** Not negative, and without zeros before it. */
const integer = (bytes: ArrayLike<number>): Uint8Array => tlv(0x02, bytes);

function extension(id: string, content: Uint8Array, isCritical = false): Uint8Array {
  return sequence(oid(id), ...isCritical ? [bool(true)] : [], tlv(0x04, content));
}

function oid(text: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = text.split(".").map(Number);
  return tlv(0x06, [
    first * 40 + second,
    ...rest.flatMap((part) => {
      const digits = [part & 0x7f];
      while ((part = Math.floor(part / 0x80)) > 0) digits.unshift(part & 0x7f | 0x80);
      return digits;
    }),
  ]);
}

/** A name of one common name. */
function nameOf(commonName: string): Uint8Array {
  const text = tlv(0x0c, new TextEncoder().encode(commonName));
  return sequence(tlv(0x31, sequence(oid("2.5.4.3"), text)));
}

/** UTCTime until 2049, GeneralizedTime from then on (RFC 5280 section 4.1.2.5). */
function time(ms: number): Uint8Array {
  const digits = new Date(ms).toISOString().replace(/\D/g, "").slice(0, 14);
  const isLate = new Date(ms).getUTCFullYear() >= 2050;
  const text = `${isLate ? digits : digits.slice(2)}Z`;
  return tlv(isLate ? 0x18 : 0x17, new TextEncoder().encode(text));
}
