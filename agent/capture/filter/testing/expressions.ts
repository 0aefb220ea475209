/** Filters as people write them, and stranger ones, over the addresses and ports of `packets.ts`. */
import fc from "fast-check";
import { addresses4, addresses6, macs, ports, vlanIds } from "./packets.ts";

const direction = fc.constantFrom("", "src ", "dst ", "src or dst ", "src and dst ", "dst or src ");
const ip4 = fc.constantFrom(...addresses4);
const ip6 = fc.constantFrom(...addresses6);
const port = fc.constantFrom(...ports.map(String), "80", "domain", "http", "ntp");
const byte = fc.constantFrom(0, 1, 2, 4, 6, 8, 17, 20, 64, 69, 255);

const network = fc.constantFrom(
  ...["10", "10.1", "192.168.1.0", "10.0.0.0/8", "10.1.0.0/16", "192.168.1.0/25", "0.0.0.0/0"],
  ...["10.1.0.0 mask 255.255.0.0", "172.16.0.0/12", "2001:db8::/32", "2001:db8::/64", "::/0"],
  ...["fe80::/10", "10.1.2.3/32", "2001:db8::1/128"],
);

const protocol = fc.constantFrom(
  ...[
    "ip",
    "ip6",
    "arp",
    "rarp",
    "tcp",
    "udp",
    "sctp",
    "icmp",
    "icmp6",
    "igmp",
    "esp",
    "ah",
    "pim",
  ],
  ...["vrrp", "stp", "ipx", "atalk", "aarp", "netbeui", "decnet", "lat", "igrp", "carp"],
);

const withProtocol = fc.constantFrom("", "", "", "tcp ", "udp ", "sctp ");
const proto = fc.oneof(
  fc.tuple(
    fc.constantFrom("", "ip ", "ip6 "),
    fc.constantFrom("6", "17", "\\tcp", "\\icmp", "47", "44"),
  )
    .map(([over, number]) => `${over}proto ${number}`),
  fc.constantFrom(
    "0x800",
    "\\ip",
    "\\arp",
    "0x86dd",
    "0x8100",
    "0x42",
    "0xf0",
    "0xe0",
    "1500",
    "6",
    "0x809b",
    "0x80f3",
  )
    .map((type) => `ether proto ${type}`),
);

const value = fc.oneof(
  fc.tuple(fc.constantFrom("", "ip ", "arp "), direction, fc.constantFrom("host ", "net "), ip4)
    .map((parts) => parts.join("")),
  fc.tuple(direction, ip4).filter(([first]) => first !== "").map((parts) => parts.join("")),
  fc.tuple(fc.constantFrom("", "ip6 "), direction, fc.constant("host "), ip6)
    .map((parts) => parts.join("")),
  fc.tuple(direction, fc.constant("net "), network).map((parts) => parts.join("")),
  fc.tuple(withProtocol, direction, fc.constant("port "), port)
    .filter(([over, , , name]) =>
      !(over === "udp " && name === "http") && !(over === "tcp " && name === "ntp") &&
      !(over === "sctp " && /[a-z]/.test(name))
    )
    .map((parts) => parts.join("")),
  fc.tuple(withProtocol, direction, fc.constantFrom("50-90", "443-80", "1024-65535", "53", "0-0"))
    .map(([over, way, range]) => `${over}${way}portrange ${range}`),
  fc.tuple(direction, fc.constantFrom(...macs)).map(([way, mac]) => `ether ${way}host ${mac}`),
  fc.tuple(fc.constantFrom("port", "tcp dst port", "udp port"), port, port, port)
    .filter(([head, ...all]) => head === "port" || all.every((name) => !/[a-z]/.test(name)))
    .map(([head, a, b, c]) => `${head} ${a} or ${b} or not ${c}`),
  fc.tuple(fc.constantFrom("host", "src host", "net"), ip4, ip4, ip4)
    .map(([head, a, b, c]) => `${head} (${a} or ${b}) or ${c}`),
);

const operand: fc.Memo<string> = fc.memo((depth) => {
  const plain = fc.oneof(
    fc.constantFrom(
      "len",
      "tcp[tcpflags]",
      "tcp[13]",
      "icmp[icmptype]",
      "icmp6[icmp6type]",
      "(ip[0] & 0xf)",
    ),
    fc.tuple(
      fc.constantFrom("ip", "ip6", "tcp", "udp", "ether", "arp", "icmp", "sctp", "link"),
      fc.integer({ min: 0, max: 24 }),
      fc.constantFrom("", ":1", ":2", ":4"),
    ).map(([name, offset, size]) => `${name}[${offset}${size}]`),
    byte.map(String),
  );
  if (depth <= 1) return plain;
  const inner = operand(depth - 1);
  return fc.oneof(
    plain,
    plain,
    fc.tuple(
      inner,
      fc.constantFrom("+", "-", "*", "&", "|", "<<", ">>"),
      byte.filter((k) => k < 32),
    )
      .map(([left, operator, right]) => `(${left} ${operator} ${right})`),
    fc.tuple(inner, fc.constantFrom("+", "-", "*", "&", "|", "^", "/", "%"), inner)
      .map(([left, operator, right]) => `(${left} ${operator} (${right} | 1))`),
    fc.tuple(fc.constantFrom("ip", "tcp", "ether", "udp"), inner)
      .map(([name, index]) => `${name}[(${index}) & 31]`),
    inner.map((part) => `(- ${part})`),
  );
});

const relation = fc.oneof(
  fc.tuple(
    operand(2),
    fc.constantFrom("=", "==", "!=", ">", ">=", "<", "<="),
    fc.oneof(byte.map(String), operand(2)),
  )
    .map((parts) => parts.join(" ")),
  fc.constantFrom(
    ...["tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn", "tcp[tcpflags] & tcp-rst != 0"],
    ...["ip[6:2] & 0x1fff != 0", "tcp[((tcp[12:1] & 0xf0) >> 2):4] = 0x47455420"],
    ...["icmp[icmptype] = icmp-echo", "ip[8] < 5", "ip6[6] = 44", "2 < ip[0] & 0xf"],
  ),
);

const other = fc.oneof(
  fc.constantFrom("less 60", "greater 100", "broadcast", "ether broadcast", "multicast"),
  fc.constantFrom("ether multicast", "ip multicast", "ip6 multicast", "len > 64"),
);

/** What moves the places of all behind it. */
const entering = fc.constantFrom(
  ...[
    "vlan",
    ...vlanIds.map((id) => `vlan ${id}`),
    "mpls",
    "mpls 16",
    "pppoes",
    "pppoes 7",
    "pppoed",
  ],
);

/** One thing that is asked of a packet. */
export const primitives = fc.oneof(
  { weight: 6, arbitrary: value },
  { weight: 3, arbitrary: protocol },
  { weight: 2, arbitrary: proto },
  { weight: 3, arbitrary: relation },
  { weight: 2, arbitrary: other },
  { weight: 1, arbitrary: entering },
);

/** Without link headers: what an Ethernet has alone is left out. */
export function filters({ isEthernet }: { isEthernet: boolean }): fc.Arbitrary<string> {
  const needsEthernet = /ether|link|cast|vlan|mpls|pppoe/;
  const primitive = primitives.filter((text) => isEthernet || !needsEthernet.test(text));
  const joined: fc.Memo<string> = fc.memo((depth) => {
    if (depth <= 1) return primitive;
    const inner = joined(depth - 1);
    return fc.oneof(
      primitive,
      fc.tuple(inner, fc.constantFrom("and", "or", "&&", "||"), inner)
        .map((parts) => parts.join(" ")),
      fc.tuple(inner, fc.constantFrom("and", "or"), inner)
        .map(([a, joint, b]) => `(${a}) ${joint} not (${b})`),
      inner.map((part) => `not (${part})`),
    );
  });
  return joined(4);
}
