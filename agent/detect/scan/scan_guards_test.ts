/**
 * Traffic that is no scan. The long streams are those of the comparison that the design started from: a browser, a NAT
 * and a torrent client, each with destinations drawn at random by a fixed seed.
 */
import { deepStrictEqual, equal, ok } from "node:assert/strict";
import { Transport } from "../../records.ts";
import { Prng } from "../common/prng.ts";
import { Mark } from "../observation.ts";
import { TcpFlag } from "./probe_family.ts";
import { ScanScript } from "./testing/probes.ts";

const day = 24 * 3600;
const client = "10.0.0.5";
const server = "10.0.0.20";

function reasons(script: ScanScript): string[] {
  script.finish();
  return script.latest.map(({ reason }) => reason);
}

/** The `index`th of many public addresses. */
function publicAddress(index: number): string {
  return `${100 + index % 27}.${index >> 16 & 255}.${index >> 8 & 255}.${index & 255}`;
}

interface CrowdOptions {
  readonly hours: number;
  readonly perMinute: number;
  readonly failedShare: number;
  readonly addresses: number;
  readonly port: (random: Prng) => number;
}

/** One local host that connects to public addresses at random. */
function crowd({ hours, perMinute, failedShare, addresses, port }: CrowdOptions): ScanScript {
  const script = new ScanScript();
  const random = new Prng(7);
  const count = hours * 60 * perMinute;
  for (let index = 0; index < count; index++) {
    const contact = {
      from: client,
      to: publicAddress(random.below(addresses)),
      port: port(random),
    };
    const isFailed = random.fraction() < failedShare;
    const failure = random.fraction() < 0.5 ? "silent" : "refused";
    script.tcp(index * 60 / perMinute, contact, isFailed ? failure : "used", 0.05);
  }
  return script;
}

const web = (random: Prng) => random.fraction() < 0.9 ? 443 : 80;

Deno.test("a browser of a busy day, 100 connections a minute, 1 % failed, is no scanner", () => {
  const script = crowd({
    hours: 24,
    perMinute: 100,
    failedShare: 0.01,
    addresses: 5000,
    port: web,
  });
  deepStrictEqual(reasons(script), []);
});

Deno.test("a NAT, 600 connections a minute for a day, 2 % failed, is no scanner", () => {
  const script = crowd({
    hours: 24,
    perMinute: 600,
    failedShare: 0.02,
    addresses: 50_000,
    port: web,
  });
  deepStrictEqual(reasons(script), []);
});

Deno.test("a torrent client, 60 % of its peers gone, a third of them on the usual port, is none", () => {
  const port = (random: Prng) =>
    random.fraction() < 0.33 ? 6881 + random.below(9) : 1024 + random.below(64_000);
  const script = crowd({ hours: 6, perMinute: 60, failedShare: 0.6, addresses: 1e6, port });
  deepStrictEqual(reasons(script), []);
});

Deno.test("a DHT node that asks thousands from one port, most of them silent, is no scanner", () => {
  const script = new ScanScript();
  const random = new Prng(3);
  for (let index = 0; index < 5000; index++) {
    const contact = {
      from: client,
      fromPort: 6881,
      to: publicAddress(random.below(1e6)),
      port: 1024 + random.below(64_000),
    };
    script.udp(index * 0.5, contact, random.fraction() < 0.4);
  }
  deepStrictEqual(reasons(script), []);
});

Deno.test("peers with several ports each, asked from one port and refused or not, are no scan", () => {
  for (const isRefused of [true, false]) {
    const script = new ScanScript();
    const random = new Prng(11);
    for (let index = 0; index < 1500; index++) {
      const to = publicAddress(random.below(400));
      const contact = { from: client, fromPort: 51_413, to, port: 1024 + random.below(64_000) };
      script.udp(index * 0.05, contact, false);
      if (isRefused) script.icmpError(index * 0.05, Transport.udp, contact);
    }
    deepStrictEqual(reasons(script), []);
  }
});

Deno.test("one public host whose ports are tried beside a hundred peers is found", () => {
  const script = new ScanScript();
  const random = new Prng(12);
  for (let index = 0; index < 100; index++) {
    const peer = { from: client, fromPort: 51_413, to: publicAddress(index) };
    script.udp(index, { ...peer, port: 1024 + random.below(64_000) }, false);
    for (let port = 0; port < 2; port++) {
      const contact = { from: client, fromPort: 50_000, to: "203.0.113.9", port: index * 2 + port };
      script.udp(index, contact, false);
      script.icmpError(index, Transport.udp, contact);
    }
  }
  script.finish();
  deepStrictEqual(script.latest.length, 1);
});

for (const fromPort of [443, 5432, 9443, 49_667]) {
  for (const ending of ["refused", "silent"] as const) {
    for (
      const flags of [
        TcpFlag.fin | TcpFlag.ack,
        TcpFlag.ack,
        TcpFlag.rst,
        TcpFlag.rst | TcpFlag.ack,
      ]
    ) {
      Deno.test(`a server that closes old connections from port ${fromPort} with flags ${flags}, ${ending}, is no scanner`, () => {
        const script = new ScanScript();
        const random = new Prng(5);
        for (let index = 0; index < 200; index++) {
          // Clients of their own, a proxy with many connections, and an address translator.
          const to = index % 2 === 0
            ? `10.0.2.${index}`
            : index % 4 === 1
            ? "10.0.3.1"
            : "10.0.3.2";
          const port = 32_768 + random.below(28_000);
          const marks = fromPort < 9000 ? 0 : Mark.sentByOriginator;
          const contact = { from: server, to, fromPort, port, flags, marks };
          script.tcp(index * 0.01, contact, ending);
        }
        deepStrictEqual(reasons(script), []);
      });
    }
  }
}

Deno.test("a server whose data meet the closed ports of an address translator is no scanner", () => {
  const script = new ScanScript();
  const random = new Prng(6);
  for (let index = 0; index < 300; index++) {
    const contact = {
      from: publicAddress(1),
      to: client,
      fromPort: 443,
      port: 1024 + random.below(64_000),
      flags: TcpFlag.ack | TcpFlag.psh,
      payloadLength: 1000,
      marks: 0,
    };
    script.tcp(index * 0.01, contact, index % 3 === 0 ? "silent" : "refused");
  }
  deepStrictEqual(reasons(script), []);
});

Deno.test("a TFTP server that boots clients, and tells them of missing files, is no scanner", () => {
  const script = new ScanScript();
  for (let index = 0; index < 200; index++) {
    const asking = { from: `10.0.4.${index % 8}`, to: server, fromPort: 2070 + index, port: 69 };
    script.udp(index * 0.1, asking, false);
    const { from, to, fromPort } = asking;
    const answer = { from: to, to: from, fromPort: 40_000 + index * 7, port: fromPort };
    script.udp(index * 0.1 + 0.01, answer, index % 2 === 0);
  }
  deepStrictEqual(reasons(script), []);
});

Deno.test("a DHCP server that answers by unicast is no scanner", () => {
  const script = new ScanScript();
  for (let index = 0; index < 100; index++) {
    script.udp(index, { from: server, to: `10.0.5.${index}`, fromPort: 67, port: 68 }, false);
  }
  deepStrictEqual(reasons(script), []);
});

Deno.test("answers of name servers to ports that were not seen to ask are no probes", () => {
  for (const isForOne of [true, false]) {
    const script = new ScanScript();
    const random = new Prng(9);
    for (let index = 0; index < 500; index++) {
      const to = isForOne ? client : `10.0.${index % 5}.${index % 250}`;
      const port = 1024 + random.below(64_000);
      script.udp(index * 0.1, { from: server, to, fromPort: 53, port, marks: 0 }, false);
    }
    deepStrictEqual(reasons(script), []);
  }
});

Deno.test("SYN-ACKs that a victim of forged SYNs sends to one host are no scan", () => {
  for (const ending of ["refused", "silent"] as const) {
    const script = new ScanScript();
    const random = new Prng(10);
    for (let index = 0; index < 3000; index++) {
      const contact = {
        from: publicAddress(1),
        to: client,
        fromPort: 80,
        port: 1 + random.below(65_535),
        flags: TcpFlag.syn | TcpFlag.ack,
        marks: 0,
      };
      script.tcp(index * 0.01, contact, ending);
    }
    deepStrictEqual(reasons(script), []);
  }
});

Deno.test("SYN-ACKs of a victim to the same port of all hosts of a network are no scan", () => {
  const script = new ScanScript();
  for (let index = 0; index < 250; index++) {
    const end = { from: publicAddress(1), to: `10.0.6.${index}`, fromPort: 443, port: 443 };
    script.tcp(index * 0.01, { ...end, flags: TcpFlag.syn | TcpFlag.ack, marks: 0 }, "refused");
  }
  deepStrictEqual(reasons(script), []);
});

Deno.test("a service that dies while 40 clients retry is an outage", () => {
  const script = new ScanScript();
  for (let index = 0; index < 40; index++) {
    script.tcp(index, { from: `10.0.1.${index}`, to: server, port: 873 }, "used");
  }
  for (let index = 0; index < 40 * 60; index++) {
    const ending = index % 2 === 0 ? "silent" : "refused";
    script.tcp(100 + index, { from: `10.0.1.${index % 40}`, to: server, port: 873 }, ending);
  }
  deepStrictEqual(reasons(script), []);
});

Deno.test("a host that dies with all its services is an outage, even to a client of all of them", () => {
  const script = new ScanScript();
  const ports = [22, 25, 53, 80, 110, 143, 389, 443, 445, 993, 3306, 5432, 8080];
  ports.forEach((port, index) => script.tcp(index, { from: "10.0.1.1", to: server, port }, "used"));
  ports.forEach((port, index) =>
    script.tcp(3600 + index, { from: client, to: server, port }, "silent")
  );
  deepStrictEqual(reasons(script), []);
});

Deno.test("a client that retries dead services for a day is no scanner", () => {
  const script = new ScanScript();
  for (let index = 0; index < day; index += 10) {
    const port = 8000 + index / 10 % 4;
    script.tcp(index, { from: client, to: server, port }, "silent");
  }
  deepStrictEqual(reasons(script), []);
});

Deno.test("a monitor whose checks succeed, or look in and leave, is no scanner", () => {
  const script = new ScanScript();
  for (let index = 0; index < day; index += 5) {
    const to = `10.0.2.${index / 5 % 50}`;
    const ending = index % 2 === 0 ? "half open" : "closed unused";
    const isDown = index / 5 % 50 < 3;
    script.tcp(index, { from: client, to, port: 443 }, isDown ? "refused" : ending);
    const ping = { from: client, to, fromPort: 8, port: 0, payloadLength: 56 };
    script.first(index, Transport.icmp, ping);
    if (!isDown) script.answer(index, Transport.icmp, { ...ping, fromPort: 0 });
  }
  deepStrictEqual(reasons(script), []);
});

Deno.test("a monitor of 50 services, 5 of them down all day, is no scanner", () => {
  for (const ending of ["used", "closed unused"] as const) {
    const script = new ScanScript();
    for (let index = 0; index < day; index += 5) {
      const host = index / 5 % 50;
      const contact = { from: client, to: `10.0.2.${host}`, port: 443 };
      script.tcp(index, contact, host % 10 === 7 ? "refused" : ending);
    }
    deepStrictEqual(reasons(script), []);
  }
});

Deno.test("a resolver whose answers come from another address is no scanner", () => {
  const script = new ScanScript();
  for (let index = 0; index < 300; index++) {
    const fromPort = 20_000 + index;
    const contact = { from: "10.0.0.53", fromPort, to: publicAddress(index), port: 53 };
    script.udp(index, contact, false);
    script.first(index + 0.1, Transport.udp, {
      from: "10.0.0.1",
      fromPort: 53,
      to: "10.0.0.53",
      port: fromPort,
      marks: 0,
    });
  }
  deepStrictEqual(reasons(script), []);
});

Deno.test("passive FTP whose data ports a firewall eats is no scanner", () => {
  const script = new ScanScript();
  script.tcp(0, { from: client, to: server, port: 21 }, "used");
  for (let index = 0; index < 100; index++) {
    const contact = { from: client, to: server, port: 30_000 + index * 7 };
    script.tcp(10 + index * 10, contact, index % 2 === 0 ? "silent" : "used");
  }
  deepStrictEqual(reasons(script), []);
});

Deno.test("traceroute is no scanner", () => {
  const script = new ScanScript();
  for (let index = 0; index < 90; index++) {
    const contact = {
      from: client,
      to: publicAddress(index / 30 | 0),
      fromPort: 45_000,
      port: 33_434 + index % 30,
      ttl: 1 + (index % 30 / 3 | 0),
    };
    script.udp(index * 0.1, contact, false);
  }
  for (let index = 0; index < 90; index++) {
    const contact = { from: client, to: publicAddress(50 + index), port: 80, ttl: 3 };
    script.tcp(100 + index, contact, "silent");
    script.icmpError(100 + index, Transport.tcp, contact, 11, 0);
  }
  deepStrictEqual(reasons(script), []);
});

Deno.test("the way out that fails while names still resolve is no sweep", () => {
  const script = new ScanScript();
  for (let index = 0; index < 200; index++) {
    const to = publicAddress(index);
    script.resolved(index * 3, client, to);
    script.tcp(index * 3 + 0.1, { from: client, to, port: 443 }, "silent");
  }
  deepStrictEqual(reasons(script), []);
});

Deno.test("a resolved host that is scanned is found all the same", () => {
  const script = new ScanScript();
  const to = publicAddress(1);
  script.resolved(0, client, to);
  for (let index = 0; index < 60; index++) {
    script.tcp(1 + index, { from: client, to, port: 20 + index }, "silent");
  }
  script.finish();
  equal(script.opened[0].scan!.attempts, 12);
});

Deno.test("answers to connections that others forged are no probes", () => {
  const script = new ScanScript();
  const flags = [TcpFlag.syn | TcpFlag.ack, TcpFlag.rst | TcpFlag.ack, TcpFlag.rst];
  for (let index = 0; index < 3000; index++) {
    const contact = {
      from: publicAddress(index % 3),
      to: `10.0.${index % 7}.${index % 250}`,
      fromPort: 80,
      port: 1024 + index,
      flags: flags[index % 3],
      marks: index % 3 === 2 ? Mark.sentByOriginator : 0,
    };
    script.first(index * 0.1, Transport.tcp, contact);
  }
  deepStrictEqual(reasons(script), []);
});

Deno.test("a capture that begins in the middle of connections has no probes", () => {
  const script = new ScanScript();
  for (let index = 0; index < 400; index++) {
    const end = { from: client, to: publicAddress(index), port: 443 };
    const flags = index % 2 === 0 ? TcpFlag.ack : TcpFlag.fin | TcpFlag.ack;
    script.tcp(index * 0.1, { ...end, flags }, "refused");
    const data = { ...end, to: server, port: 8000 + index, payloadLength: 500 };
    script.first(index * 0.1, Transport.tcp, { ...data, flags: TcpFlag.ack | TcpFlag.psh });
  }
  deepStrictEqual(reasons(script), []);
});

Deno.test("one direction of ordinary connections has no probes", () => {
  const script = new ScanScript();
  for (let index = 0; index < 200; index++) {
    script.tcp(index, { from: client, to: publicAddress(index), port: 443 }, "silent");
    script.goOn(index + 0.05);
  }
  deepStrictEqual(reasons(script), []);
});

Deno.test("a flood of forged sources at one open port is no scan, and a scan beside it is seen", () => {
  const script = new ScanScript();
  for (let index = 0; index < 200_000; index++) {
    const contact = { from: publicAddress(index), to: server, port: 80, headerLength: 40 };
    script.first(index * 0.0005, Transport.tcp, { ...contact, flags: TcpFlag.syn });
    if (index % 10_000 === 0) {
      const port = 1000 + index / 10_000;
      script.tcp(index * 0.0005, { from: "10.0.0.66", to: "10.0.0.21", port }, "refused", 0);
    }
  }
  script.finish();
  deepStrictEqual(script.opened.map(({ sources }) => sources), [["10.0.0.66"]]);
  ok(script.detector.stateBytes < 32e6, `${script.detector.stateBytes} bytes`);
});

Deno.test("a flood of forged sources at all ports of all hosts stays within 32 MB", () => {
  const script = new ScanScript();
  for (let index = 0; index < 300_000; index++) {
    const contact = {
      from: publicAddress(index),
      to: `10.1.${index >> 8 & 255}.${index & 255}`,
      port: index * 7 & 0xffff,
    };
    script.tcp(index * 0.00002, contact, index % 2 === 0 ? "refused" : "silent", 0);
  }
  deepStrictEqual(reasons(script), []);
  ok(script.detector.stateBytes < 32e6, `${script.detector.stateBytes} bytes`);
  ok(script.detector.forgottenCount > 0);
});
