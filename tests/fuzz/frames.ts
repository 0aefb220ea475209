/**
 * Packets at random that are built as packets are: each header that the decoder reads around something that may follow it, its
 * fields mostly right, sometimes anything.
 */
import {
  clientHello,
  dnsMessage,
  dnsQuestion,
  dnsRecord,
  encodeName,
  tlsRecords,
} from "../../agent/decode/app_samples.ts";
import { amsdu, extension, join, uint16, uint32 } from "../../agent/decode/packet_builder.ts";
import { cryptoFrame, sealInitial } from "../../agent/decode/quic_samples.ts";
import type { Prng } from "../../agent/detect/common/prng.ts";
import { Linktype } from "../../agent/records.ts";

type Bytes = Uint8Array;

export interface FuzzFrame {
  readonly linktype: number;
  readonly bytes: Bytes;
}

/** Headers one in the other, at most. */
const depthMax = 6;
const text = (characters: string) => new TextEncoder().encode(characters);

export class FrameMaker {
  readonly #prng: Prng;

  constructor(prng: Prng) {
    this.#prng = prng;
  }

  /** A frame of any link type. */
  frame(linktype: number = this.#pick(Object.values(Linktype))): FuzzFrame {
    return { linktype, bytes: this.#link(linktype, 0) };
  }

  #pick<T>(values: readonly T[]): T {
    return values[this.#prng.below(values.length)];
  }

  /** Mostly `usual`; else anything below `limit`. */
  #odd(usual: number, limit = 65_536): number {
    return this.#prng.below(20) === 0 ? this.#prng.below(limit) : usual;
  }

  #isLikely(share: number): boolean {
    return this.#prng.fraction() < share;
  }

  #random(length: number): Bytes {
    return Uint8Array.from({ length }, () => this.#prng.below(256));
  }

  #some(most: number): Bytes {
    return this.#random(this.#prng.below(most + 1));
  }

  // ------------------------------------------------ links

  #link(linktype: number, depth: number): Bytes {
    if (depth > depthMax) return this.#some(20);
    const ip = () => this.#ip(depth + 1);
    const wifi = () => this.#wifi(depth + 1);
    switch (linktype) {
      case Linktype.ethernet:
        return this.#ethernet(depth);
      case Linktype.null:
        return join([this.#odd(this.#pick([2, 24, 30]), 256), 0, 0, 0], ip());
      case Linktype.loop:
        return join([0, 0, 0, this.#odd(this.#pick([2, 24, 30]), 256)], ip());
      case Linktype.ppp:
      case Linktype.pppHdlc:
      case Linktype.pppPppd:
        return join([0xff, 3], this.#ppp(depth));
      case Linktype.pppWithDirection:
        return join([this.#odd(1, 256)], [0xff, 3], this.#ppp(depth));
      case Linktype.ciscoHdlc:
        return join([0x0f, 0], this.#byEtherType(depth));
      case Linktype.ciscoHdlcWithDirection:
        return join([1, 0x0f, 0], this.#byEtherType(depth));
      case Linktype.pppoe:
        return this.#pppoe(depth);
      case Linktype.frameRelay:
        return join([0x18, 0x41, 3, this.#odd(0xcc, 256)], ip());
      case Linktype.linuxSll:
        return join([0, 0, 0, 1, 0, 6], this.#random(8), this.#byEtherType(depth));
      case Linktype.linuxSll2: {
        const inner = this.#byEtherType(depth);
        return join(
          inner.subarray(0, 2),
          [0, 0, 0, 0, 0, 3, 0, 1, 0, 6],
          this.#random(8),
          inner.subarray(2),
        );
      }
      case Linktype.ieee80211:
        return wifi();
      case Linktype.radiotap: {
        const fields = this.#some(24);
        return join([0, 0, this.#odd(8 + fields.length, 256), 0], this.#random(4), fields, wifi());
      }
      case Linktype.prism:
        return join([0, 0, 0, 0x44, 0, 0, 0, this.#odd(144, 256)], this.#random(136), wifi());
      case Linktype.avs:
        return join(uint32(0x80211001), uint32(this.#odd(64, 300)), this.#random(56), wifi());
      case Linktype.ppi: {
        const inner = this.#pick(Object.values(Linktype));
        const fields = this.#isLikely(0.5) ? [2, 0, 4, 0, 1, 2, 3, 4] : [];
        const head = [0, 0, this.#odd(8 + fields.length, 256), 0, inner & 255, inner >> 8, 0, 0];
        return join(head, fields, this.#link(inner, depth + 1));
      }
      case Linktype.pktap:
      case Linktype.pktapAsUser2: {
        const inner = this.#pick([Linktype.ethernet, Linktype.raw, Linktype.null]);
        const head = new Uint8Array(108);
        const view = new DataView(head.buffer);
        view.setUint32(0, this.#odd(108, 200), true);
        view.setUint32(4, this.#odd(1, 4), true);
        view.setUint32(8, inner, true);
        return join(head, this.#link(inner, depth + 1));
      }
      case Linktype.pflog:
        return join([this.#odd(61, 256), this.#pick([2, 24, 30])], this.#random(62), ip());
      case Linktype.nflog: {
        const inner = ip();
        const length = 4 + inner.length;
        return join([this.#pick([2, 10]), 0, 0, 1], [5, 0, 10, 0, 65, 0, 0, 0], [
          length & 255,
          length >> 8,
          9,
          0,
        ], inner);
      }
      default:
        return ip();
    }
  }

  #ethernet(depth: number): Bytes {
    const macs = join([2, 0, 0, 0, 0, this.#prng.below(4)], [2, 0, 0, 0, 0, this.#prng.below(4)]);
    if (this.#isLikely(0.1)) {
      const llc = join(
        this.#pick([[0xaa, 0xaa, 3, 0, 0, 0], [6, 6, 3], [0x42, 0x42, 3]]),
        this.#byEtherType(depth),
      );
      return join(macs, uint16(this.#odd(llc.length)), llc);
    }
    return join(macs, this.#byEtherType(depth));
  }

  /** An EtherType and what follows it. */
  #byEtherType(depth: number): Bytes {
    if (depth > depthMax) return join(uint16(0x0800), this.#some(20));
    const next = () => this.#byEtherType(depth + 1);
    const tag = () => uint16(this.#prng.below(65_536));
    const made: readonly (() => Bytes)[] = [
      () => join(uint16(0x0800), this.#ipv4(depth + 1)),
      () => join(uint16(0x0800), this.#ipv4(depth + 1)),
      () => join(uint16(0x86dd), this.#ipv6(depth + 1)),
      () => join(uint16(0x86dd), this.#ipv6(depth + 1)),
      () => join(uint16(this.#pick([0x8100, 0x88a8, 0x9100])), tag(), next()),
      () => join(uint16(0x0806), this.#arp()),
      () => join(uint16(0x8847), this.#mpls(depth + 1)),
      () => join(uint16(0x8864), this.#pppoe(depth + 1)),
      () => join(uint16(0x894f), this.#nsh(depth + 1)),
      () => join(uint16(0x8909), [1, 1, 0, 1], tag(), next()),
      () => join(uint16(0x88e7), this.#random(4), this.#ethernet(depth + 1)),
      () => join(uint16(this.#prng.below(65_536)), this.#some(40)),
    ];
    return this.#pick(made)();
  }

  #arp(): Bytes {
    const ends = () => join([2, 0, 0, 0, 0, this.#prng.below(4)], [10, 0, 0, this.#prng.below(4)]);
    return join(
      uint16(this.#odd(1)),
      uint16(this.#odd(0x800)),
      [this.#odd(6, 256), this.#odd(4, 256)],
      uint16(this.#pick([1, 2])),
      ends(),
      ends(),
    );
  }

  #mpls(depth: number): Bytes {
    const more = Array.from(
      { length: this.#prng.below(3) },
      () => join(this.#random(2), [0x10, 64]),
    );
    const inner = this.#isLikely(0.3) ? join(uint32(0), this.#ethernet(depth)) : this.#ip(depth);
    return join(...more, [0, 1, 0x11, 64], inner);
  }

  #pppoe(depth: number): Bytes {
    const inner = this.#ppp(depth);
    return join([0x11, this.#odd(0, 256), 0, 7], uint16(this.#odd(inner.length)), inner);
  }

  #ppp(depth: number): Bytes {
    return this.#isLikely(0.5)
      ? join([0, 0x21], this.#ipv4(depth + 1))
      : join(this.#pick([[0, 0x57], [0x57], [0xc0, 0x21]]), this.#ipv6(depth + 1));
  }

  #wifi(depth: number): Bytes {
    if (this.#isLikely(0.3)) {
      return amsdu(Array.from({ length: 1 + this.#prng.below(3) }, () => this.#ethernet(depth)));
    }
    const control = [this.#odd(this.#pick([0x08, 0x88]), 256), this.#odd(1, 256)];
    const qos = control[0] === 0x88 ? [0, 0] : [];
    return join(control, this.#random(22), qos, [0xaa, 0xaa, 3, 0, 0, 0], this.#byEtherType(depth));
  }

  #nsh(depth: number): Bytes {
    const words = this.#odd(6, 64);
    const context = this.#random(Math.max(0, words * 4 - 8));
    const [next, inner] = this.#pick([
      () => [1, this.#ipv4(depth)] as const,
      () => [2, this.#ipv6(depth)] as const,
      () => [3, this.#ethernet(depth)] as const,
    ])();
    return join([0x0f, 0xc0 | words, 1, next], this.#random(4), context, inner);
  }

  // ------------------------------------------------ IP

  #ip(depth: number): Bytes {
    return this.#isLikely(0.6) ? this.#ipv4(depth) : this.#ipv6(depth);
  }

  #ipv4(depth: number): Bytes {
    const [protocol, payload] = this.#transport(depth, false);
    const options = this.#isLikely(0.1) ? this.#random(4 * this.#prng.below(11)) : [];
    const length = 20 + options.length + payload.length;
    const fragment = this.#isLikely(0.1) ? this.#prng.below(65_536) : this.#pick([0, 0x4000]);
    return join(
      [this.#odd(0x40 | (20 + options.length) / 4, 256), 0],
      uint16(this.#odd(length)),
      uint16(this.#prng.below(65_536)),
      uint16(fragment),
      [this.#odd(64, 256), this.#odd(protocol, 256), 0, 0],
      this.#address4(),
      this.#address4(),
      options,
      payload,
    );
  }

  #address4(): readonly number[] {
    return this.#pick([
      [10, 0, 0, this.#prng.below(6)],
      [192, 0, 2, this.#prng.below(6)],
      [224, 0, 0, 251],
      [255, 255, 255, 255],
      [0, 0, 0, 0],
    ]);
  }

  #ipv6(depth: number): Bytes {
    const [protocol, transport] = this.#transport(depth, true);
    let next = protocol;
    let payload = transport;
    for (let count = this.#prng.below(4); count > 0 && this.#isLikely(0.3); count--) {
      const kind = this.#pick([0, 43, 44, 51, 60, 135]);
      payload = kind === 44
        ? join([next, 0], uint16(this.#odd(0)), this.#random(4), payload)
        : kind === 51
        ? join([next, this.#odd(4, 256)], this.#random(22), payload)
        : extension(next, payload);
      next = kind;
    }
    const address = () =>
      this.#pick([
        join([0x20, 1, 0x0d, 0xb8], new Uint8Array(11), [this.#prng.below(6)]),
        join([0xfe, 0x80], new Uint8Array(13), [this.#prng.below(6)]),
        join([0xff, 2], new Uint8Array(13), [1]),
      ]);
    return join(
      [this.#odd(0x60, 256), 0, 0, 0],
      uint16(this.#odd(payload.length)),
      [this.#odd(next, 256), 64],
      address(),
      address(),
      payload,
    );
  }

  /** A protocol's number and its message. */
  #transport(depth: number, isIpv6: boolean): readonly [number, Bytes] {
    if (depth > depthMax) return [17, this.#some(20)];
    const made: readonly (() => readonly [number, Bytes])[] = [
      () => [6, this.#tcp()],
      () => [6, this.#tcp()],
      () => [17, this.#udp(depth)],
      () => [17, this.#udp(depth)],
      () => isIpv6 ? [58, this.#icmp(depth, true)] : [1, this.#icmp(depth, false)],
      () => [132, join(this.#ports(), this.#random(8), [1, 0, 0, 20], this.#random(16))],
      () => [47, this.#gre(depth)],
      () => this.#isLikely(0.5) ? [4, this.#ipv4(depth + 1)] : [41, this.#ipv6(depth + 1)],
      () => [51, join([6, 4, 0, 0], this.#random(20), this.#tcp())],
      () => [115, join(this.#random(8), this.#ethernet(depth + 1))],
      () => [33, join(this.#ports(), this.#random(12))],
      () => [2, join([0x16, 0], this.#random(6))],
      () => [this.#prng.below(256), this.#some(30)],
    ];
    return this.#pick(made)();
  }

  #ports(usual = this.#pick([22, 53, 80, 443, 5060, 8080, 3306])): Bytes {
    const ephemeral = 40_000 + this.#prng.below(6);
    const ports = this.#isLikely(0.5) ? [ephemeral, usual] : [usual, ephemeral];
    return join(uint16(ports[0]), uint16(ports[1]));
  }

  #tcp(): Bytes {
    const options = this.#isLikely(0.3) ? this.#random(4 * this.#prng.below(11)) : [];
    const flags = this.#isLikely(0.2)
      ? this.#prng.below(4096)
      : this.#pick([2, 0x12, 0x10, 0x18, 0x11, 4]);
    return join(
      this.#ports(),
      uint32(1000 + this.#prng.below(4) * 500),
      uint32(this.#prng.below(5000)),
      uint16(this.#odd(5 + options.length / 4, 16) << 12 | flags),
      uint16(this.#prng.below(65_536)),
      [0, 0, 0, 0],
      options,
      this.#application(),
    );
  }

  #icmp(depth: number, isIpv6: boolean): Bytes {
    const type = isIpv6
      ? this.#pick([1, 2, 3, 4, 128, 129, 133, 134, 135, 136])
      : this.#pick([0, 3, 5, 8, 11, 12]);
    const isError = isIpv6 ? type < 128 : [3, 5, 11, 12].includes(type);
    const body = isError ? this.#ip(depth + 1) : this.#some(60);
    return join([this.#odd(type, 256), this.#prng.below(16), 0, 0], this.#random(4), body);
  }

  #gre(depth: number): Bytes {
    const flags = this.#pick([0, 0x2000, 0xb000, 0x2001, 0x3001]);
    const words = [0x8000, 0x2000, 0x1000].filter((bit) => (flags & bit) !== 0).length;
    return join(
      uint16(this.#odd(flags)),
      uint16(this.#pick([0x0800, 0x86dd, 0x6558, 0x880b, 0x88be])),
      this.#random(4 * words),
      this.#isLikely(0.5) ? this.#ip(depth + 1) : this.#ethernet(depth + 1),
    );
  }

  #udp(depth: number): Bytes {
    const frame = () => this.#ethernet(depth + 1);
    const made: readonly (() => readonly [number, Bytes])[] = [
      () => [this.#pick([53, 5353, 5355]), this.#dns()],
      () => [443, this.#quic()],
      () => [this.#pick([67, 68]), this.#dhcp()],
      () => [547, join([this.#pick([1, 3, 12])], this.#random(3), [0, 39, 0, 4, 0, 1, 65, 66])],
      () => [
        137,
        join(this.#random(2), [1, 0x10, 0, 1], new Uint8Array(6), [32], text("C".repeat(32)), [
          0,
          0,
          32,
          0,
          1,
        ]),
      ],
      () => [this.#pick([4789, 8472]), join([this.#odd(8, 256), 0, 0, 0, 0, 0, 5, 0], frame())],
      () => [
        4790,
        join([0x0c, 0, 0, this.#pick([1, 2, 3, 4])], this.#random(4), this.#ip(depth + 1)),
      ],
      () => [6081, join([this.#odd(0, 64), 0, 0x65, 0x58, 0, 0, 5, 0], frame())],
      () => [
        2152,
        join(
          [0x30 | this.#prng.below(8), this.#odd(255, 256)],
          uint16(this.#prng.below(200)),
          this.#random(4),
          this.#ip(depth + 1),
        ),
      ],
      () => [
        1701,
        join(
          uint16(this.#pick([2, 0x4002, 0x0202])),
          this.#random(4),
          [0xff, 3],
          this.#ppp(depth + 1),
        ),
      ],
      () => [37_008, join([1, 0, 0, 1, 1], frame())],
      () => [4341, join(this.#random(8), this.#ip(depth + 1))],
      () => [6635, this.#mpls(depth + 1)],
      () => [3544, this.#ipv6(depth + 1)],
      () => [this.#prng.below(65_536), this.#application()],
    ];
    const [port, payload] = this.#pick(made)();
    return join(this.#ports(port), uint16(this.#odd(8 + payload.length)), [0, 0], payload);
  }

  // ------------------------------------------------ applications

  #name(): string {
    const labels = ["www", "example", "org", "x".repeat(1 + this.#prng.below(63)), "a-b", "_dmarc"];
    return Array.from({ length: 1 + this.#prng.below(4) }, () => this.#pick(labels)).join(".");
  }

  #dns(): Bytes {
    const type = this.#pick([1, 28, 16, 5, 10, 255]);
    const pointer = Uint8Array.of(0xc0, this.#odd(12, 256));
    const answer = this.#pick([
      dnsRecord(pointer, 1, this.#random(4)),
      dnsRecord(pointer, 28, this.#random(16)),
      dnsRecord(pointer, 16, join([5], this.#random(5))),
      dnsRecord(pointer, 5, encodeName(this.#name())),
    ]);
    const isAnswer = this.#isLikely(0.5);
    return dnsMessage({
      flags: isAnswer ? 0x8180 : 0x0100,
      questions: [dnsQuestion(this.#name(), type)],
      answers: isAnswer ? [answer] : [],
      answerCount: this.#odd(isAnswer ? 1 : 0),
    });
  }

  #hello(): Bytes {
    return tlsRecords(clientHello({ serverName: this.#name() }), 1 + this.#prng.below(300));
  }

  #quic(): Bytes {
    if (this.#isLikely(0.2)) {
      return join([0xc3], uint32(this.#pick([1, 0x6b3343cf, 0])), this.#some(60));
    }
    const hello = clientHello({ serverName: this.#name() });
    return sealInitial({
      frames: join(cryptoFrame(hello, 0, hello.length), new Uint8Array(60)),
      packetNumber: this.#prng.below(3),
    });
  }

  #dhcp(): Bytes {
    const options = join([53, 1, this.#pick([1, 2, 3, 5])], [12, this.#odd(4, 256)], text("host"), [
      255,
    ]);
    return join([this.#pick([1, 2]), 1, 6, 0], this.#random(232), [99, 130, 83, 99], options);
  }

  #application(): Bytes {
    const made: readonly (() => Bytes)[] = [
      () => new Uint8Array(0),
      () => this.#some(200),
      () => this.#hello(),
      () => text(`GET /${this.#name()} HTTP/1.1\r\nHost: ${this.#name()}\r\nUser-Agent: x\r\n\r\n`),
      () => text(`HTTP/1.1 ${this.#prng.below(1000)} OK\r\nContent-Type: a/b\r\n\r\n`),
      () => text("SSH-2.0-OpenSSH_9.6\r\n"),
      () => text("PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\nGET / HTTP/1.1\r\n\r\n"),
      () => text(`220 ${this.#name()} ESMTP\r\n`),
      () => {
        const message = this.#dns();
        return join(uint16(this.#odd(message.length)), message);
      },
    ];
    const bytes = this.#pick(made)();
    // A piece of it: messages come in several segments.
    if (!this.#isLikely(0.2)) return bytes;
    const from = this.#prng.below(bytes.length + 1);
    return bytes.subarray(from, from + this.#prng.below(bytes.length - from + 1));
  }
}
