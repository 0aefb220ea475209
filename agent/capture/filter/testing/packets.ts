/** Packets that filters differ on: of both IP versions, tagged, labelled, fragments, cut off, and damaged. */
import fc from "fast-check";

export const addresses4 = ["10.1.2.3", "10.1.9.9", "192.168.1.7", "192.168.1.200", "224.0.0.251"];
export const addresses6 = ["2001:db8::1", "2001:db8:0:1::2", "fe80::1", "ff02::fb"];
export const macs = [
  "02:00:00:00:00:01",
  "02:00:00:00:00:02",
  "ff:ff:ff:ff:ff:ff",
  "01:00:5e:00:00:fb",
];
export const ports = [53, 80, 443, 50000];
export const vlanIds = [5, 100];

const anyByte = fc.integer({ min: 0, max: 255 });
const bytes16 = (value: number) => [value >> 8 & 255, value & 255];
const port = fc.constantFrom(...ports).map(bytes16);
const address4 = fc.constantFrom(...addresses4).map((text) => text.split(".").map(Number));
const address6 = fc.constantFrom(...addresses6).map(expand6);
const mac = fc.constantFrom(...macs).map((text) =>
  text.split(":").map((part) => parseInt(part, 16))
);

function expand6(text: string): number[] {
  const [head, tail = ""] = text.split("::");
  const groups = (part: string) => part === "" ? [] : part.split(":");
  const zeros = Array<string>(8 - groups(head).length - groups(tail).length).fill("0");
  return [...groups(head), ...zeros, ...groups(tail)].flatMap((group) =>
    bytes16(parseInt(group, 16))
  );
}

const payload = fc.array(anyByte, { maxLength: 24 });
const protocol = fc.oneof(
  fc.constantFrom(6, 17, 1, 58, 132),
  fc.constantFrom(2, 47, 50, 51, 103, 112, 9, 44),
);

const transport = fc.tuple(
  port,
  port,
  fc.array(anyByte, { minLength: 8, maxLength: 8 }),
  anyByte,
  payload,
)
  .map(([source, destination, numbers, flags, rest]) => [
    ...source,
    ...destination,
    ...numbers,
    0x50,
    flags & 0x3f,
    1,
    0,
    0,
    0,
    0,
    0,
    ...rest,
  ]);

const ip4 = fc.record({
  options: fc.constantFrom(0, 0, 0, 1, 3, 10),
  fragment: fc.constantFrom(0, 0, 0, 0x4000, 0x2000, 0x2005, 0x0005),
  ttl: fc.constantFrom(1, 4, 64),
  protocol,
  source: address4,
  destination: address4,
  inner: transport,
}).map(({ options, fragment, ttl, protocol, source, destination, inner }) => [
  0x45 + options,
  0,
  0,
  60,
  0,
  1,
  ...bytes16(fragment),
  ttl,
  protocol,
  0,
  0,
  ...source,
  ...destination,
  ...Array<number>(4 * options).fill(1),
  ...inner,
]);

const ip6 = fc.record({
  next: protocol,
  behindFragment: protocol,
  source: address6,
  destination: address6,
  inner: transport,
}).map(({ next, behindFragment, source, destination, inner }) => [
  0x60,
  0,
  0,
  0,
  0,
  40,
  next,
  64,
  ...source,
  ...destination,
  ...next === 44 ? [behindFragment, 0, 0, 1, 0, 0, 0, 9] : [],
  ...inner,
]);

const arp = fc.tuple(mac, address4, mac, address4).map(([sha, spa, tha, tpa]) => [
  0,
  1,
  8,
  0,
  6,
  4,
  0,
  1,
  ...sha,
  ...spa,
  ...tha,
  ...tpa,
]);

const llc = fc.oneof(
  fc.constantFrom([0x42, 0x42, 3], [0xf0, 0xf0, 3], [0xe0, 0xe0, 3], [0xff, 0xff, 0], [
    0xfe,
    0xfe,
    3,
  ], [6, 6, 3]),
  fc.constantFrom([0xaa, 0xaa, 3, 0, 0, 0, 0x81, 0x37], [0xaa, 0xaa, 3, 8, 0, 7, 0x80, 0x9b], [
    0xaa,
    0xaa,
    3,
    0,
    0,
    0,
    0x80,
    0xf3,
  ]),
).chain((header) => payload.map((rest) => [...header, ...rest]));

/** A payload and its EtherType; of LLC a length. */
const network = fc.oneof(
  { weight: 6, arbitrary: ip4.map((data) => ({ type: 0x800, data })) },
  { weight: 4, arbitrary: ip6.map((data) => ({ type: 0x86dd, data })) },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.constantFrom(0x806, 0x8035), arp).map(([type, data]) => ({
      type,
      data,
    })),
  },
  { weight: 1, arbitrary: llc.map((data) => ({ type: data.length, data })) },
  {
    weight: 1,
    arbitrary: fc.tuple(
      fc.constantFrom(0x809b, 0x80f3, 0x8137, 0x6003, 0x6004, 0x8863, 0x88cc),
      payload,
    ).map(([type, data]) => ({ type, data })),
  },
);

const tag = fc.constantFrom(...vlanIds, 7).map((id) => bytes16(0x6000 | id));
const tunnelled = fc.oneof(
  { weight: 8, arbitrary: network },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom(16, 17), fc.oneof(ip4, ip6)).map(([label, data]) => ({
      type: 0x8847,
      data: [label >> 12, label >> 4 & 255, (label & 15) << 4 | 1, 64, ...data],
    })),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom(16, 17), fc.constantFrom(16, 5), ip4).map((
      [outer, label, data],
    ) => ({
      type: 0x8847,
      data: [
        0,
        outer >> 4,
        (outer & 15) << 4,
        64,
        0,
        label >> 4,
        (label & 15) << 4 | 1,
        64,
        ...data,
      ],
    })),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom(7, 8), ip4).map(([session, data]) => ({
      type: 0x8864,
      data: [0x11, 0, ...bytes16(session), 0, 62, 0, 0x21, ...data],
    })),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom(7, 8), ip6).map(([session, data]) => ({
      type: 0x8864,
      data: [0x11, 0, ...bytes16(session), 0, 62, 0, 0x57, ...data],
    })),
  },
);
const tagged = fc.tuple(
  fc.array(fc.tuple(fc.constantFrom(0x8100, 0x88a8, 0x9100), tag), { maxLength: 2 }),
  tunnelled,
)
  .map(([tags, { type, data }]) => {
    const types = [...tags.map(([outer]) => outer), type];
    return {
      type: types[0],
      data: [
        ...tags.flatMap(([, bytes], index) => [...bytes, ...bytes16(types[index + 1])]),
        ...data,
      ],
    };
  });

const ethernet = fc.tuple(mac, mac, fc.oneof(tunnelled, tagged))
  .map((
    [destination, source, { type, data }],
  ) => [...destination, ...source, ...bytes16(type), ...data]);
const raw = fc.oneof(ip4, ip6);
const cooked = fc.tuple(fc.constantFrom(0, 1, 4), mac, network)
  .map(([direction, address, { type, data }]) => [
    0,
    direction,
    0,
    1,
    0,
    6,
    ...address,
    0,
    0,
    ...bytes16(type <= 1500 ? 4 : type),
    ...data,
  ]);
const cooked2 = fc.tuple(fc.constantFrom(0, 1, 4), fc.constantFrom(1, 2), mac, network)
  .map(([direction, device, address, { type, data }]) => [
    ...bytes16(type <= 1500 ? 4 : type),
    0,
    0,
    0,
    0,
    0,
    device,
    0,
    1,
    direction,
    6,
    ...address,
    0,
    0,
    ...data,
  ]);

export const packetsByLinktype = { 1: ethernet, 101: raw, 113: cooked, 276: cooked2 } as const;

/** Now and then cut off, or with bytes that are anything. */
export function damaged(packets: fc.Arbitrary<number[]>): fc.Arbitrary<Uint8Array> {
  return fc.tuple(packets, fc.integer({ min: 0, max: 9 }), fc.nat(), fc.nat(), anyByte)
    .map(([bytes, kind, at, length, value]) => {
      const packet = Uint8Array.from(bytes);
      if (kind === 0) return packet.subarray(0, length % packet.length);
      if (kind === 1) packet[at % packet.length] = value;
      return packet;
    });
}
