import { equal } from "node:assert/strict";
import { communityId } from "./community_id.ts";
import { addressWords } from "./test_packets.ts";

/** Protocol, source, destination, ports, id: community-id-spec/baseline/baseline_deflt.json, all of it. */
// deno-fmt-ignore
const baseline: readonly [number, string, string, number, number, string][] = [
  [58, "fe80::200:86ff:fe05:80da", "fe80::260:97ff:fe07:69ea", 135, 136, "dGHyGvjMfljg6Bppwm3bg0LO8TY="],
  [58, "fe80::260:97ff:fe07:69ea", "fe80::200:86ff:fe05:80da", 136, 135, "dGHyGvjMfljg6Bppwm3bg0LO8TY="],
  [58, "fe80::260:97ff:fe07:69ea", "fe80::200:86ff:fe05:80da", 135, 136, "zavyT/cezQr1fmImYCwYnMXbgck="],
  [58, "fe80::200:86ff:fe05:80da", "fe80::260:97ff:fe07:69ea", 136, 135, "zavyT/cezQr1fmImYCwYnMXbgck="],
  [58, "3ffe:501:1800:2345::2", "3ffe:507:0:1:200:86ff:fe05:80da", 3, 0, "2ObVBgIn28oZvibYZhZMBgh7WdQ="],
  [58, "3ffe:501:410:0:2c0:dfff:fe47:33e", "3ffe:507:0:1:200:86ff:fe05:80da", 1, 4, "hLZd0XGWojozrvxqE0dWB1iM6R0="],
  [58, "3ffe:507:0:1:200:86ff:fe05:80da", "3ffe:501:0:1001::2", 128, 129, "+TW+HtLHvV1xnGhV1lv7XoJrqQg="],
  [58, "3ffe:501:0:1001::2", "3ffe:507:0:1:200:86ff:fe05:80da", 129, 128, "+TW+HtLHvV1xnGhV1lv7XoJrqQg="],
  [58, "fe80::200:86ff:fe05:80da", "ff02::2", 133, 134, "hO+sN4H+MG5MY/8hIrXPqc4ZQz0="],
  [58, "fe80::260:97ff:fe07:69ea", "ff02::1", 134, 133, "pkvHqCL88/tg1k4cPigmZXUtL00="],
  [1, "192.168.0.89", "192.168.0.1", 8, 0, "X0snYXpgwiv9TZtqg64sgzUn6Dk="],
  [1, "192.168.0.1", "192.168.0.89", 0, 8, "X0snYXpgwiv9TZtqg64sgzUn6Dk="],
  [1, "10.0.0.1", "10.0.0.2", 11, 0, "YHxtAirCG//0OzkcVAukqKQN9xM="],
  [6, "2001:470:e5bf:dead:4957:2174:e82c:4887", "2607:f8b0:400c:c03::1a", 63943, 25, "/qFaeAR+gFe1KYjMzVDsMv+wgU4="],
  [6, "2607:f8b0:400c:c03::1a", "2001:470:e5bf:dead:4957:2174:e82c:4887", 25, 63943, "/qFaeAR+gFe1KYjMzVDsMv+wgU4="],
  [132, "192.168.170.8", "192.168.170.56", 7, 7, "MP2EtRCAUIZvTw6MxJHLV7N7JDs="],
  [132, "192.168.170.56", "192.168.170.8", 7, 7, "MP2EtRCAUIZvTw6MxJHLV7N7JDs="],
  [6, "128.232.110.120", "66.35.250.204", 34855, 80, "LQU9qZlK+B5F3KDmev6m5PMibrg="],
  [6, "66.35.250.204", "128.232.110.120", 80, 34855, "LQU9qZlK+B5F3KDmev6m5PMibrg="],
  [17, "192.168.1.52", "8.8.8.8", 54585, 53, "d/FP5EW3wiY1vCndhwleRRKHowQ="],
  [17, "8.8.8.8", "192.168.1.52", 53, 54585, "d/FP5EW3wiY1vCndhwleRRKHowQ="],
  [46, "10.1.12.1", "10.1.12.2", -1, -1, "KHlLkgoJW7ifUTyTSgyVfkFHzKw="],
  [46, "10.1.12.2", "10.1.12.1", -1, -1, "KHlLkgoJW7ifUTyTSgyVfkFHzKw="],
];

Deno.test("communityId() gives the spec's baseline values", () => {
  for (const [protocol, source, destination, sourcePort, destinationPort, expected] of baseline) {
    const actual = communityId({
      sourceAddress: addressBytes(source),
      destinationAddress: addressBytes(destination),
      protocol,
      sourcePort,
      destinationPort,
    });
    equal(actual, `1:${expected}`, `${protocol} ${source} ${destination}`);
  }
});

function addressBytes(text: string): Uint8Array {
  const words = addressWords(text);
  const bytes = words.flatMap((
    word,
  ) => [word >>> 24, word >>> 16 & 255, word >>> 8 & 255, word & 255]);
  return new Uint8Array(text.includes(":") ? bytes : bytes.slice(12));
}
