/**
 * Where the headers of a packet are that a filter is about, by its link type and the vlan, mpls and pppoes that were
 * met before in its text: as in libpcap, each of them moves the places of all that is written behind it.
 */
import { Linktype } from "../../records.ts";
import type { LoadSize } from "./bpf.ts";
import {
  allOf,
  ancillary,
  anyOf,
  both,
  compare,
  type Condition,
  either,
  type Field,
  fieldIs,
  fieldTerm,
  NEVER,
  not,
  number,
} from "./condition.ts";
import { FilterError } from "./filter_error.ts";
import { EtherType, Sap } from "./names.ts";

/** "ppp" is what pppoes leads to; "raw" has no link header. */
type LinkKind = "ethernet" | "raw" | "cooked" | "cooked 2" | "ppp";

interface Link {
  readonly kind: LinkKind;
  readonly text: string;
  readonly type: number;
  readonly payload: number;
}

const links: ReadonlyMap<number, Link> = new Map<number, Link>([
  [Linktype.ethernet, { kind: "ethernet", text: "Ethernet", type: 12, payload: 14 }],
  [Linktype.raw, { kind: "raw", text: "raw IP", type: 0, payload: 0 }],
  [Linktype.linuxSll, { kind: "cooked", text: "Linux cooked", type: 14, payload: 16 }],
  [Linktype.linuxSll2, { kind: "cooked 2", text: "Linux cooked v2", type: 0, payload: 20 }],
]);

/** `sll_protocol` of IEEE 802.3 without and with 802.2 (LINUX_SLL_P_). */
const cookedNovell = 1;
const cookedLlc = 4;
const packetOutgoing = 4;
const ipFragmentOffsetBits = 0x1fff;
const ipv6HeaderBytes = 40;
const tagBytes = 4;

/** Protocol numbers of PPP (RFC 1661 section 2) for EtherTypes and service access points. */
const pppTypes: ReadonlyMap<number, number> = new Map([
  [EtherType.ip, 0x21],
  [EtherType.ip6, 0x57],
  [EtherType.decnet, 0x27],
  [EtherType.appletalk, 0x29],
  [0x0600, 0x25],
  [Sap.iso, 0x23],
  [Sap.bridge, 0x31],
  [Sap.ipx, 0x2b],
  [EtherType.mpls, 0x281],
]);

/** How packets look to the program. */
export interface PacketForm {
  /** LINKTYPE_ value: Ethernet, raw IP, Linux cooked (1 and 2). */
  readonly linktype: number;
  /** The kernel runs the program, and has the outermost VLAN tag beside the packet, not in it. */
  readonly isLive: boolean;
  /** The kernel runs it on packets without their cooked header, which they get later (a socket of SOCK_DGRAM). */
  readonly isCooked: boolean;
}

export class Layers {
  readonly #isLive: boolean;
  /** The link's header is not in the packet. */
  #isHeaderless: boolean;
  #link: Link;
  #linkHeader = 0;
  /** Of the network header, from the link's payload. */
  #network = 0;
  #labels = 0;
  #tags = 0;
  #isShifted = false;

  /** Throws FilterError. */
  constructor({ linktype, isLive, isCooked }: PacketForm) {
    const link = links.get(linktype);
    if (link === undefined) {
      throw new FilterError(1, `filters cannot be compiled for packets of link type ${linktype}`);
    }
    this.#link = isCooked ? { ...link, payload: 0 } : link;
    this.#isLive = isLive;
    this.#isHeaderless = isCooked;
  }

  get isInMpls(): boolean {
    return this.#labels > 0;
  }

  linkHeader(offset: number, size: LoadSize): Field {
    const isShifted = this.#isShifted && this.#linkHeader > 0;
    return { size, offset: this.#linkHeader + offset, ipHeader: null, isShifted };
  }

  network(offset: number, size: LoadSize): Field {
    return this.#payload(this.#network + offset, size);
  }

  /** Behind an IPv4 header. */
  transport(offset: number, size: LoadSize): Field {
    const ipHeader = this.#link.payload + this.#network;
    return { size, offset: ipHeader + offset, ipHeader, isShifted: this.#isShifted };
  }

  /** Behind an IPv6 header without extensions. */
  transport6(offset: number, size: LoadSize): Field {
    return this.network(ipv6HeaderBytes + offset, size);
  }

  /** An IPv4 fragment that begins with the transport's header, or no fragment. */
  isFirstFragment(): Condition {
    const field = fieldTerm(this.network(6, 2));
    return not(compare(field, "any bit of", number(ipFragmentOffsetBits)));
  }

  /** Throws FilterError where packets have no Ethernet header. */
  requireEthernet(what: string, at: number): void {
    if (this.#link.kind === "ethernet") return;
    throw new FilterError(
      at + 1,
      `${what} needs Ethernet headers, and these are ${this.#link.text}`,
    );
  }

  /** Throws FilterError where the kernel does not show the link's header. */
  requireLinkHeader(at: number): void {
    if (!this.#isHeaderless) return;
    throw new FilterError(at + 1, "packets have no header of their link while the kernel filters");
  }

  /** The packet carries what `type` says, an EtherType or a service access point of 802.2. */
  carries(type: number, at: number): Condition {
    if (this.isInMpls) return this.#carriesInMpls(type, at);
    switch (this.#link.kind) {
      case "ethernet":
        return this.#etherCarries(type);
      case "raw":
        return this.#rawCarries(type);
      case "ppp":
        return fieldIs(this.#type(), pppTypes.get(type) ?? type);
      case "cooked":
        return this.#cookedCarries(type);
      // libpcap 1.10 does not look into IEEE 802.2 here.
      case "cooked 2":
        return fieldIs(this.#type(), type);
    }
  }

  isOutbound(): Condition {
    switch (this.#link.kind) {
      case "cooked": {
        const direction = this.#isHeaderless ? ancillary("packetType", 2) : this.linkHeader(0, 2);
        return fieldIs(direction, packetOutgoing);
      }
      case "cooked 2":
        return fieldIs(this.linkHeader(10, 1), packetOutgoing);
      default:
        return fieldIs(ancillary("packetType", 2), packetOutgoing);
    }
  }

  isOfInterface(index: number): Condition {
    const isCooked2 = this.#link.kind === "cooked 2";
    return fieldIs(isCooked2 ? this.linkHeader(4, 4) : ancillary("interfaceIndex", 4), index);
  }

  enterVlan(id: number | null, at: number): Condition {
    if (this.isInMpls) throw new FilterError(at + 1, "vlan cannot be looked for inside mpls");
    this.requireEthernet("vlan", at);
    refuseAbove(id, 0xfff, { at, what: "VLAN id" });
    const inBytes = anyOf(
      [EtherType.vlan, EtherType.serviceVlan, EtherType.oldServiceVlan]
        .map((type) => this.#etherCarries(type)),
    );
    const idInBytes = fieldIs(this.#payload(0, 2), id ?? 0, id === null ? 0 : 0xfff);
    const isOutermost = this.#tags++ === 0 && this.#isLive;
    if (isOutermost) {
      this.#isShifted = true;
      return { op: "outer vlan", inBytes, id, idInBytes };
    }
    const { type, payload } = this.#link;
    this.#link = { ...this.#link, type: type + tagBytes, payload: payload + tagBytes };
    return id === null ? inBytes : both(inBytes, idInBytes);
  }

  enterMpls(label: number | null, at: number): Condition {
    refuseAbove(label, 0xfffff, { at, what: "MPLS label" });
    if (this.#link.kind !== "ppp") this.requireEthernet("mpls", at);
    const isThere = this.isInMpls
      ? fieldIs(this.network(-2, 1), 0, 0x01)
      : this.carries(EtherType.mpls, at);
    // libpcap looks at the label where the network header was until here.
    const labelled = label === null
      ? isThere
      : both(isThere, fieldIs(this.network(0, 4), label << 12 >>> 0, 0xfffff000));
    this.#network += 4;
    this.#labels++;
    return labelled;
  }

  enterPppoe(session: number | null, at: number): Condition {
    refuseAbove(session, 0xffff, { at, what: "PPPoE session" });
    const isThere = this.carries(EtherType.pppoeSession, at);
    const inSession = session === null
      ? isThere
      : both(isThere, fieldIs(this.network(0, 4), session, 0xffff));
    const type = this.#link.payload + this.#network + 6;
    this.#link = { kind: "ppp", text: "PPP", type, payload: type + 2 };
    this.#linkHeader = type;
    this.#isHeaderless = false;
    this.#network = 0;
    return inSession;
  }

  #payload(offset: number, size: LoadSize): Field {
    return {
      size,
      offset: this.#link.payload + offset,
      ipHeader: null,
      isShifted: this.#isShifted,
    };
  }

  #type(): Field {
    if (this.#isHeaderless) return ancillary("protocol", 2);
    return { size: 2, offset: this.#link.type, ipHeader: null, isShifted: this.#isShifted };
  }

  #carriesInMpls(type: number, at: number): Condition {
    const version = type === EtherType.ip ? 0x40 : type === EtherType.ip6 ? 0x60 : null;
    if (version === null) {
      throw new FilterError(at + 1, "inside mpls only IPv4 and IPv6 can be told apart");
    }
    const isBottom = fieldIs(this.network(-2, 1), 0x01, 0x01);
    return both(isBottom, fieldIs(this.network(0, 1), version, 0xf0));
  }

  #rawCarries(type: number): Condition {
    const version = type === EtherType.ip ? 0x40 : type === EtherType.ip6 ? 0x60 : null;
    return version === null ? NEVER : fieldIs(this.linkHeader(0, 1), version, 0xf0);
  }

  #etherCarries(type: number): Condition {
    const isLength = not(compare(fieldTerm(this.#type()), ">", number(EtherType.lengthMax)));
    const own = fieldIs(this.#type(), type);
    switch (type) {
      case Sap.iso:
      case Sap.ip:
      case Sap.netbeui:
        return both(isLength, fieldIs(this.#payload(0, 2), (type << 8) | type));
      case Sap.ipx: {
        const isNovell = fieldIs(this.#payload(0, 2), 0xffff);
        const inLength = anyOf([this.#snap(0, EtherType.ipx), this.#sap(type), isNovell]);
        return either(fieldIs(this.#type(), EtherType.ipx), both(isLength, inLength));
      }
      case EtherType.appletalk:
        return either(own, both(isLength, this.#snap(0x080007, type)));
      case EtherType.appletalkArp:
        return either(own, both(isLength, this.#snap(0, type)));
      default:
        return type > EtherType.lengthMax ? own : both(isLength, this.#sap(type));
    }
  }

  #cookedCarries(type: number): Condition {
    const isLlc = fieldIs(this.#type(), cookedLlc);
    const own = fieldIs(this.#type(), type);
    switch (type) {
      case Sap.iso:
      case Sap.ip:
      case Sap.netbeui:
        return both(isLlc, fieldIs(this.#payload(0, 2), (type << 8) | type));
      case Sap.ipx: {
        const inLlc = both(isLlc, either(this.#sap(type), this.#snap(0, EtherType.ipx)));
        const isNovell = fieldIs(this.#type(), cookedNovell);
        return anyOf([fieldIs(this.#type(), EtherType.ipx), isNovell, inLlc]);
      }
      case EtherType.appletalk:
        return either(own, both(isLlc, this.#snap(0x080007, type)));
      case EtherType.appletalkArp:
        return either(own, both(isLlc, this.#snap(0, type)));
      default:
        return type > EtherType.lengthMax ? own : both(isLlc, this.#sap(type));
    }
  }

  #sap(sap: number): Condition {
    return fieldIs(this.#payload(0, 1), sap);
  }

  /** SNAP (RFC 1042): AA AA 03, three bytes of an organisation, two of a protocol. */
  #snap(organisation: number, type: number): Condition {
    return allOf([
      fieldIs(this.#payload(4, 4), ((organisation & 0xffff) << 16 | type) >>> 0),
      fieldIs(this.#payload(0, 4), (0xaaaa0300 | organisation >>> 16) >>> 0),
    ]);
  }
}

function refuseAbove(
  value: number | null,
  most: number,
  { at, what }: { at: number; what: string },
): void {
  if (value === null || value <= most) return;
  throw new FilterError(at + 1, `${what} ${value} is above ${most}`);
}
