/** Floods from made-up sources: over IPv4 and IPv6, of TCP, UDP and DNS. */
import { dnsMessage, dnsQuestion } from "../../agent/decode/app_samples.ts";
import { ethernet, ipv4, ipv6, tcp, udp } from "../../agent/decode/packet_builder.ts";
import type { Prng } from "../../agent/detect/common/prng.ts";

/** Frames whose source address is overwritten. */
export interface Flood {
  readonly make: (prng: Prng) => Uint8Array;
  readonly isIpv6: boolean;
}

const sourceAt = { 4: 26, 6: 22 } as const;
const syn = () => tcp({ flags: 2 }, new Uint8Array(0));
const datagram = () => udp({ destination: 9999 }, new Uint8Array(50));
const query = (prng: Prng) =>
  udp(
    { destination: 53 },
    dnsMessage({ questions: [dnsQuestion(`${prng.next().toString(36)}.example.org`)] }),
  );

const overIpv4 = (protocol: number, payload: (prng: Prng) => Uint8Array): Flood => ({
  make: (prng) => ethernet(0x0800, ipv4({ protocol }, payload(prng))),
  isIpv6: false,
});
const overIpv6 = (nextHeader: number, payload: (prng: Prng) => Uint8Array): Flood => ({
  make: (prng) => ethernet(0x86dd, ipv6({ nextHeader }, payload(prng))),
  isIpv6: true,
});

export const FLOODS: Readonly<Record<string, Flood>> = {
  "SYN over IPv4": overIpv4(6, syn),
  "SYN over IPv6": overIpv6(6, syn),
  "UDP over IPv4": overIpv4(17, datagram),
  "UDP over IPv6": overIpv6(17, datagram),
  "DNS for random names over IPv4": overIpv4(17, query),
  "DNS for random names over IPv6": overIpv6(17, query),
};

/** Gives a frame of the flood another source. */
export function setSource(frame: Uint8Array, { isIpv6 }: Flood, prng: Prng): void {
  const at = sourceAt[isIpv6 ? 6 : 4];
  const view = new DataView(frame.buffer, frame.byteOffset);
  for (let byte = 0; byte < (isIpv6 ? 16 : 4); byte += 4) view.setUint32(at + byte, prng.next());
  // Unicast: of IPv4 below 224, of IPv6 in 2000::/3.
  if (isIpv6) frame[at] = 0x20 | frame[at]! & 0x1f;
  else frame[at] = 1 + frame[at]! % 200;
}
