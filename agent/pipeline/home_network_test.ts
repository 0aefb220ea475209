import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { parseIpWords } from "../decode/addresses.ts";
import type { StatsSecond } from "../records.ts";
import { HomeNetwork, isUnicastAddress } from "./home_network.ts";
import { Pipeline } from "./pipeline.ts";
import { batchOf } from "./testing.ts";
import { type LinkEnd, segment } from "./testing/link_frames.ts";

const onLinkAlways =
  "127.0.0.1 169.254.3.4 224.0.0.251 255.255.255.255 0.0.0.0 :: ::1 fe80::1 ff02::fb";
const privates =
  "10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 100.64.0.1 fc00::1 fd12::1 fec0::1";
const outside =
  "9.255.255.255 11.0.0.1 172.15.0.1 172.32.0.1 192.167.0.1 100.63.0.1 100.128.0.1 2001:db8::1 fbff::1";
const server = "203.0.113.5 203.0.113.255 2001:db8:7::9";

function localOf(home: HomeNetwork, addresses: string): string {
  return addresses.split(" ").filter((address) => home.isLocal(...parseIpWords(address)!)).join(
    " ",
  );
}

Deno.test("private networks and those of the host's interfaces are local by default", () => {
  const home = new HomeNetwork();
  for (const addresses of [onLinkAlways, privates]) {
    strictEqual(localOf(home, addresses), addresses);
  }
  strictEqual(localOf(home, `${outside} ${server}`), "");
  home.setOwn(["203.0.113.77/24", "2001:db8:7::1/64", "127.0.0.1/8"]);
  strictEqual(localOf(home, `${outside} ${server}`), server);
  home.setOwn(["203.0.113.5/32"]);
  strictEqual(localOf(home, server), "203.0.113.5");
});

Deno.test("what is named as home is local, and nothing else that can be across the internet", () => {
  const home = new HomeNetwork({
    homeNets: ["203.0.113.0/24", "2001:db8:7::/48", "198.51.100.9"],
  });
  home.setOwn(["192.0.2.1/24"]);
  strictEqual(localOf(home, onLinkAlways), onLinkAlways);
  strictEqual(localOf(home, `${privates} ${outside} 192.0.2.1`), "");
  strictEqual(localOf(home, `${server} 198.51.100.8 198.51.100.9`), `${server} 198.51.100.9`);
  const more = new HomeNetwork({ homeNets: ["private", "203.0.113.0/24"] });
  strictEqual(localOf(more, `${privates} 203.0.113.5`), `${privates} 203.0.113.5`);
  strictEqual(
    localOf(new HomeNetwork({ homeNets: ["::/0"] }), `${outside} 2001:db8::1`),
    "2001:db8::1 fbff::1 2001:db8::1",
  );
});

Deno.test("unspecified, group and broadcast addresses stand for no host", () => {
  const isHost = (address: string) => isUnicastAddress(...parseIpWords(address)!);
  deepStrictEqual("0.0.0.0 224.0.0.1 255.255.255.255 :: ff02::1".split(" ").filter(isHost), []);
  strictEqual(isHost("203.0.113.5") && isHost("fe80::1"), true);
});

const client: LinkEnd = { mac: "02:00:00:00:00:01", ip: "198.51.100.7" };
const own: LinkEnd = { mac: "02:00:00:00:00:02", ip: "203.0.113.5" };

Deno.test("home networks decide what is in and out, and which hosts are local", () => {
  const cases = [
    [["203.0.113.0/24"], { inBytes: 54, outBytes: 54, internalBytes: 0 }],
    [["203.0.113.0/24", "198.51.100.0/24"], { inBytes: 0, outBytes: 0, internalBytes: 108 }],
    [["198.51.100.0/24"], { inBytes: 54, outBytes: 54, internalBytes: 0 }],
    [["private"], { inBytes: 0, outBytes: 0, internalBytes: 0 }],
  ] as const;
  for (const [homeNets, bytes] of cases) {
    const { pipeline, seconds } = start(homeNets);
    take(pipeline, 0, segment(client, own), segment(own, client, { ports: [443, 40_000] }));
    const locals = pipeline.takeChangedHosts(9).filter(({ isLocal }) => isLocal);
    pipeline.finish();
    const { inBytes, outBytes, internalBytes } = seconds[0];
    deepStrictEqual({ inBytes, outBytes, internalBytes }, bytes);
    const areHome = ({ ip }: LinkEnd) =>
      new HomeNetwork({ homeNets }).isLocal(...parseIpWords(ip)!);
    deepStrictEqual(
      locals.map(({ address }) => address),
      [client, own].filter(areHome).map(({ ip }) => ip),
    );
  }
});

Deno.test("an address that an interface gets while flows run is local from then on", () => {
  const { pipeline, seconds } = start(undefined);
  take(pipeline, 0, segment(client, own));
  deepStrictEqual(pipeline.takeChangedHosts(9).map(({ isLocal }) => isLocal), [false, false]);
  pipeline.setOwnNetworks(["203.0.113.5/32"]);
  deepStrictEqual(pipeline.takeChangedHosts(9).map(({ address }) => address), [own.ip]);
  take(pipeline, 1, segment(client, own));
  pipeline.setOwnNetworks([]);
  take(pipeline, 2, segment(client, own));
  pipeline.finish();
  deepStrictEqual(seconds.map(({ inBytes }) => inBytes), [0, 54, 0]);
});

function start(homeNets: readonly string[] | undefined) {
  const seconds: StatsSecond[] = [];
  const pipeline = new Pipeline({
    flowCountMax: 10,
    rowPolicy: "none",
    onSecond: (second) => seconds.push(second),
    ...(homeNets && { homeNets }),
  });
  return { pipeline, seconds };
}

function take(pipeline: Pipeline, second: number, ...frames: Uint8Array[]): void {
  const timestampUs = 1_700_000_000_000_000 + second * 1e6;
  pipeline.process(batchOf(frames.map((bytes) => ({ timestampUs, bytes }))));
}
