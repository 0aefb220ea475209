/** Names that the traffic tells reach the device book, the pages of hosts, and the headlines of incidents, however late they come. */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { pcapFile, type SamplePacket } from "../agent/capture/sample_captures.ts";
import {
  ascii,
  clientHello,
  dnsMessage,
  dnsQuestion,
  dnsRecord,
  tlsRecords,
} from "../agent/decode/app_samples.ts";
import { parseIp } from "../agent/decode/addresses.ts";
import { join } from "../agent/decode/packet_builder.ts";
import type { LinkEnd } from "../agent/pipeline/testing/link_frames.ts";
import { replayed } from "./every_page.ts";
import { datagram, dhcp, exchange, scan } from "./hostile_capture.ts";
import { Program, runProgram, withFolder } from "./program.ts";

const router = "02:00:00:00:77:01";
const phone: LinkEnd = { mac: "02:00:00:00:77:14", ip: "192.168.77.20" };
const nas: LinkEnd = { mac: "02:00:00:00:77:02", ip: "192.168.77.2" };
const camera: LinkEnd = { mac: "02:00:00:00:77:15", ip: "192.168.77.21" };
const shop: LinkEnd = { mac: router, ip: "203.0.113.9" };
const startS = 1_760_000_000;

function wireName(...labels: string[]): Uint8Array {
  return join(...labels.flatMap((label) => [[label.length], ascii(label)]), [0]);
}

/** mDNS: a host answers for its own name. */
function announces(host: LinkEnd, name: string): Uint8Array {
  const group: LinkEnd = { mac: "01:00:5e:00:00:fb", ip: "224.0.0.251" };
  const answer = dnsRecord(wireName(name, "local"), 1, parseIp(host.ip)!);
  return datagram(
    host,
    group,
    [5353, 5353],
    dnsMessage({ id: 0, flags: 0x8400, answers: [answer] }),
  );
}

/**
 * The phone scans the nas before either has told its name, and the camera does 20 minutes later, when the first incident is long
 * over; its name comes last. Nobody asks DNS for the shop, only TLS tells its name.
 */
function capture(): Uint8Array<ArrayBuffer> {
  const anyone: LinkEnd = { mac: "ff:ff:ff:ff:ff:ff", ip: "255.255.255.255" };
  const steps: readonly (readonly [atS: number, frames: readonly Uint8Array[]])[] = [
    [
      0,
      exchange(
        phone,
        shop,
        [50_000, 443],
        tlsRecords(clientHello({ serverName: "shop.example.net" })),
      ),
    ],
    [10, scan(phone, nas)],
    [20, [announces(nas, "nas")]],
    [25, [datagram(phone, anyone, [68, 67], dhcp(phone, "phone"))]],
    [
      1200,
      exchange(
        phone,
        shop,
        [50_001, 443],
        tlsRecords(clientHello({ serverName: "shop.example.net" })),
      ),
    ],
    [1210, scan(camera, nas)],
    [1230, [announces(camera, "camera")]],
    // An answer that names nobody here.
    [1231, [datagram(
      { mac: router, ip: "192.168.77.1" },
      camera,
      [53, 40_000],
      dnsMessage({
        flags: 0x8180,
        questions: [dnsQuestion(wireName("other", "example"))],
        answers: [dnsRecord(wireName("other", "example"), 1, parseIp("203.0.113.10")!)],
      }),
    )]],
  ];
  return pcapFile(steps.flatMap(([atS, frames]) =>
    frames.map((data, index): SamplePacket => ({
      seconds: startS + atS + Math.floor(index / 50),
      nanosecond: index % 50 * 20_000_000,
      data,
    }))
  ));
}

const headlines = [
  "camera.local (192.168.77.21) scanned nas.local (192.168.77.2)",
  "phone (192.168.77.20) scanned nas.local (192.168.77.2)",
];

Deno.test("names of DHCP, mDNS and TLS stand on the pages of hosts, and in headlines of what was over before they came", () =>
  withFolder(async (folder) => {
    const file = `${folder}/names.pcap`;
    await Deno.writeFile(file, capture());
    const results = `${folder}/results`;
    await using program = await Program.start([
      "replay",
      file,
      "--speed",
      "max",
      "--results",
      results,
    ]);
    await replayed(program);
    const json = async (path: string) => await (await fetch(`${program.url}${path}`)).json();
    const page = async (path: string) => await (await fetch(`${program.url}${path}`)).text();

    const { incidents } = await json("/api/incidents");
    deepStrictEqual(
      incidents.map(({ headline }: { headline: string }) => headline).sort(),
      headlines,
    );
    deepStrictEqual(
      incidents.map(({ actor_name }: { actor_name: string }) => actor_name).sort(),
      ["camera.local", "phone"],
    );

    for (
      const [host, name, origin] of [[phone, "phone", "dhcp"], [nas, "nas.local", "mdns"], [
        camera,
        "camera.local",
        "mdns",
      ]] as const
    ) {
      const book = await json(`/api/hosts/${host.ip}`);
      strictEqual(book.name, name);
      deepStrictEqual(
        book.names.map((one: { name: string; origin: string }) => [one.name, one.origin]),
        [[name, origin]],
      );
      ok((await page(`/hosts/${host.ip}`)).includes(`<p class="lead">${name} (${host.ip})</p>`));
    }
    match(await page(`/hosts/${nas.ip}`), /nas\.local: [^<]*mDNS/);
    const { peers } = await json(`/api/hosts/${phone.ip}`);
    strictEqual(
      peers.find(({ peer }: { peer: string }) => peer === shop.ip).name,
      "shop.example.net",
    );
    match(await page(`/hosts/${phone.ip}`), /shop\.example\.net/);
    const { flows } = await json("/api/flows?q=name+shop.example.net");
    strictEqual(flows.length, 2);
    ok(flows.every(({ resp_h }: { resp_h: string }) => resp_h === shop.ip));
  }));

Deno.test("analyze names the hosts of an incident, too", () =>
  withFolder(async (folder) => {
    const file = `${folder}/names.pcap`;
    await Deno.writeFile(file, capture());
    const { stdout, stderr, code } = await runProgram(["analyze", "--json", file]);
    strictEqual(code, 0, stderr);
    const { incidents } = JSON.parse(stdout);
    deepStrictEqual(
      incidents.map(({ headline }: { headline: string }) => headline).sort(),
      headlines,
    );
  }));
