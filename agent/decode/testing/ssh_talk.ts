/** For tests: connections of SSH as segments, with the sizes that ciphers and MACs give. What is encrypted is filler. */
import { filler, join, uint32 } from "../packet_builder.ts";

export interface Cipher {
  readonly name: string;
  readonly block: number;
  readonly mac: number;
  /** The length is no part of what is padded to blocks: AEAD and encrypt-then-MAC. */
  readonly isLengthApart: boolean;
}

export const CIPHERS: readonly Cipher[] = [
  { name: "chacha20-poly1305", block: 8, mac: 16, isLengthApart: true },
  { name: "aes128-gcm", block: 16, mac: 16, isLengthApart: true },
  { name: "aes256-ctr, hmac-sha2-256-etm", block: 16, mac: 32, isLengthApart: true },
  { name: "aes256-ctr, hmac-sha2-512-etm", block: 16, mac: 64, isLengthApart: true },
  { name: "aes256-ctr, hmac-sha2-256", block: 16, mac: 32, isLengthApart: false },
  { name: "aes128-ctr, umac-64", block: 16, mac: 8, isLengthApart: false },
  { name: "3des-cbc, hmac-sha1", block: 8, mac: 20, isLengthApart: false },
  { name: "3des-cbc, hmac-sha1-etm", block: 8, mac: 20, isLengthApart: true },
];

/** Bytes of payloads. */
export const Payload = {
  serviceRequest: 17,
  serviceAccept: 17,
  none: 43,
  success: 1,
  extInfo: 190,
  channelOpen: 24,
  channelConfirmation: 17,
} as const;

export interface TalkSegment {
  readonly isClient: boolean;
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly acknowledged: number;
}

interface TalkOptions {
  readonly cipher?: Cipher;
  /** Lines of client and server; the server's may have others before it. */
  readonly banners?: readonly [string, string];
  /** The server tells its extensions with the first answer, as OpenSSH 10 does, and the client its own. */
  readonly hasLateExtensions?: boolean;
  /** Bytes of the client's and the server's public keys. */
  readonly keys?: readonly [number, number];
}

export class SshTalk {
  readonly segments: TalkSegment[] = [];
  readonly #cipher: Cipher;
  readonly #sent = [0, 0];
  readonly #hasLateExtensions: boolean;
  /** Segments up to the keys are in the clear. */
  readonly plainCount: number;
  #isAsked = false;

  constructor(options: TalkOptions = {}) {
    const { cipher = CIPHERS[0], keys = [40, 400], hasLateExtensions = false } = options;
    const [client, server] = options.banners ?? ["SSH-2.0-a\r\n", "SSH-2.0-b\r\n"];
    this.#cipher = cipher;
    this.#hasLateExtensions = hasLateExtensions;
    const text = new TextEncoder();
    this.say(true, text.encode(client));
    this.say(false, text.encode(server));
    this.say(true, plain(20, 1000));
    this.say(false, plain(20, 900));
    this.say(true, plain(30, keys[0]));
    this.say(false, plain(31, keys[1]), plain(21, 1), this.encrypted(Payload.extInfo));
    this.say(true, plain(21, 1), hasLateExtensions ? this.encrypted(42) : new Uint8Array());
    this.plainCount = this.segments.length;
    this.say(true, this.encrypted(Payload.serviceRequest));
    this.say(false, this.encrypted(Payload.serviceAccept));
  }

  /** One segment. */
  say(isClient: boolean, ...parts: readonly Uint8Array[]): void {
    const bytes = join(...parts);
    const own = isClient ? 0 : 1;
    const [offset, acknowledged] = [this.#sent[own], this.#sent[1 - own]];
    this.segments.push({ isClient, offset, bytes, acknowledged });
    this.#sent[own] += bytes.length;
  }

  /** A packet of which the payload has so many bytes. */
  encrypted(payload: number): Uint8Array {
    const { block, mac, isLengthApart } = this.#cipher;
    const before = isLengthApart ? 1 : 5;
    const padded = Math.ceil((before + payload + 4) / block) * block;
    return filler(padded + mac + (isLengthApart ? 4 : 0)).fill(0xa5);
  }

  /** A request, and the answer that names these methods. */
  refuse(request: number, methods = "publickey,password"): void {
    this.#request(request, 6 + methods.length);
  }

  /** A request, and another answer than a refusal. */
  ask(request: number, answer: number): void {
    this.#request(request, answer);
  }

  accept(request: number): void {
    this.#request(request, Payload.success);
  }

  /** The client opens a channel and has a command done. */
  work(): void {
    this.say(true, this.encrypted(Payload.channelOpen));
    this.say(false, this.encrypted(600));
    this.say(false, this.encrypted(Payload.channelConfirmation));
    this.say(true, this.encrypted(20), this.encrypted(30));
    this.say(false, this.encrypted(9), this.encrypted(100));
    this.say(true, this.encrypted(5));
  }

  #request(request: number, answer: number): void {
    this.say(true, this.encrypted(request));
    const isLate = this.#hasLateExtensions && !this.#isAsked;
    this.#isAsked = true;
    const extensions = isLate ? this.encrypted(Payload.extInfo) : new Uint8Array();
    this.say(false, extensions, this.encrypted(answer));
  }
}

/** The same streams cut at these offsets as well. */
export function cutTalk(segments: readonly TalkSegment[], cuts: readonly number[]): TalkSegment[] {
  return segments.flatMap((segment) => {
    const { offset, bytes } = segment;
    const inside = cuts.filter((cut) => cut > offset && cut < offset + bytes.length);
    const starts = [offset, ...new Set(inside.toSorted((a, b) => a - b))];
    return starts.map((start, index) => ({
      ...segment,
      offset: start,
      bytes: bytes.subarray(start - offset, (starts[index + 1] ?? Infinity) - offset),
    }));
  });
}

/** RFC 4253 section 6, unencrypted: blocks of 8 bytes. */
function plain(message: number, payload: number): Uint8Array {
  const padding = 4 + (8 - (5 + payload + 4) % 8) % 8;
  const body = filler(payload - 1);
  return join(uint32(1 + payload + padding), [padding, message], body, new Uint8Array(padding));
}
