/** The pages of packets, from request to response. */
import assert from "node:assert/strict";
import { ethernet, ipv4, tcp } from "../agent/decode/packet_builder.ts";
import { fillDatabase, type FixtureOptions, hostileName, makePacket } from "./dashboard_fixture.ts";
import { markup, withSite, withTraffic } from "./dashboard_site.ts";

/** A request whose header is markup, control characters and a direction mark. */
const hostileBytes = ethernet(
  0x0800,
  ipv4(
    { protocol: 6 },
    tcp(
      { flags: 0x18 },
      new TextEncoder().encode(
        `GET /${hostileName} HTTP/1.1\r\nHost: ${hostileName}\u202e\x07\r\n\r\n`,
      ),
    ),
  ),
);
const captured = { bytes: hostileBytes, wireLength: hostileBytes.length, linktype: 1 };

Deno.test("the list of packets leads to each one", async () => {
  await withTraffic(async (site) => {
    const html = await (await site.get("/packets")).text();
    assert.match(html, /href="\/packets\/\d+"/);
    assert.match(html, /action="\/api\/export\/pcap"/);
  });
});

Deno.test("the newest packets are not listed a second time below", async () => {
  await withTraffic(async (site) => {
    const html = markup(await (await site.get("/packets")).text());
    const links = [...html.matchAll(/href="\/packets\/(\d+)"/g)].map(([, id]) => id);
    assert.equal(new Set(links).size, links.length);
    assert.ok(links.length >= 85);
  });
});

Deno.test("the PCAP of a list says what is gone, and asks for flows where sums are searched", async () => {
  const ringSpan = {
    startUs: Date.now() * 1000 + 3600e6,
    newestFileUs: Date.now() * 1000 + 3600e6,
  };
  await withTraffic(async (site) => {
    for (const path of ["/packets?q=service+dns", "/flows?q=bytes+>+1"]) {
      const html = await (await site.get(path)).text();
      assert.match(html, /Its packets are gone\. The capture files begin /, path);
      assert.doesNotMatch(html, />PCAP<\/a>/, path);
    }
  }, { ringSpan });
  await withTraffic(async (site) => {
    const html = await (await site.get("/flows?q=bytes+>+1")).text();
    const pcap = /href="\/api\/export\/pcap\?q=bytes\+%3E\+1&amp;of=flows" download>.*?PCAP<\/a>/;
    assert.match(html, pcap);
    const { flow_id } = await (await site.get("/api/packets/1")).json();
    const packets = await (await site.get(`/packets?q=flow+${flow_id}`)).text();
    assert.ok(packets.includes(`href="/api/export/pcap?flow=${flow_id}"`));
  });
});

Deno.test("an export of flows none of whose packets is left is a 404 with what is left", () =>
  withTraffic(async ({ get }) => {
    for (const query of ["q=service+tls", "q=bytes+>+1&of=flows"]) {
      const response = await get(`/api/export/pcap?${query}`);
      assert.equal(response.status, 404, query);
      assert.match(await response.text(), /None of its packets is in the capture files/);
    }
    assert.equal((await get("/api/export/pcap?q=host+10.0.0.1")).status, 200);
  }));

Deno.test("the page of a packet shows its fields and marks the bytes of one, as text", async () => {
  await withTraffic(async (site) => {
    const response = await site.get("/packets/1?field=3");
    const html = await response.text();
    assert.equal(response.status, 200);
    assert.match(html, /Time to Live/);
    assert.match(html, /href="\/packets\/1\?field=3#bytes" aria-current="true"/);
    assert.match(html, /bytes 6 to 11 marked: Source/);
    assert.equal(html.match(/<mark>/g)?.length, 2);
    const markup = html.replaceAll(/<script[^]*?<\/script>/g, "");
    assert(!markup.includes(hostileName) && !markup.includes("<img"), "markup is text");
    assert(!html.includes("\u202e") && !html.includes("\x07"));
    const json = await (await site.get("/api/packets/1")).json();
    assert.equal(json.bytes, hostileBytes.toHex());
    assert.deepEqual(json.layers.map(({ name }: { name: string }) => name), [
      "eth",
      "ip",
      "tcp",
      "http",
    ]);
  }, { readPacket: () => Promise.resolve(captured) });
});

Deno.test("the page of a packet that is overwritten says so, when, and what is left", async () => {
  const startUs = Date.now() * 1000 + 3600e6;
  await withTraffic(async (site) => {
    site.live.recorder = { ...site.live.recorder, files: 10 };
    const response = await site.get("/packets/1");
    const html = await response.text();
    assert.equal(response.status, 404);
    assert.match(html, /older than the capture files, and was not kept as evidence of a finding/);
    assert.match(
      html,
      /The capture files begin .*; what was before has been overwritten, .* at the latest/,
    );
    assert.equal((await (await site.get("/api/packets/1")).json()).bytes, null);
  }, { ringSpan: { startUs, newestFileUs: startUs + 60e6 } });
});

Deno.test("pages lead to packets, or say that they are gone or which are left", async () => {
  const late = Date.now() * 1000 + 3600e6;
  const ringSpan = { startUs: late, newestFileUs: late };
  const flowPage = async (options: FixtureOptions) => {
    let html = "";
    await withTraffic(async (site) => {
      const { flow_id } = await (await site.get("/api/packets/1")).json();
      html = await (await site.get(`/flows/${flow_id}`)).text();
    }, options);
    return html;
  };
  const whole = await flowPage({});
  assert.match(whole, /href="\/api\/export\/pcap\?flow=/);
  assert.doesNotMatch(whole, /packets-note/);
  const gone = await flowPage({ ringSpan });
  assert.doesNotMatch(gone, /href="\/api\/export\/pcap/);
  assert.match(gone, /Its packets are gone\. The capture files begin/);
  const kept = await flowPage({ ringSpan, hasEvidence: () => true });
  assert.match(kept, /href="\/api\/export\/pcap\?flow=/);
  assert.match(kept, /only what was kept as evidence of findings is left/);
});

Deno.test("a packet that is not there, and a query that is none, are refused", async () => {
  await withSite({}, async (site) => {
    for (const path of ["/packets/7", "/packets/x", "/api/packets/7"]) {
      assert.equal((await site.get(path)).status, 404, path);
    }
    assert.equal((await site.get("/packets/7?field=x")).status, 400);
    assert.equal((await site.get("/packets/7?other=1")).status, 400);
  });
});

Deno.test("the page of a packet leads to the next and the one before of its flow, from end to end", () =>
  withSite({}, async (site) => {
    const startUs = Date.now() * 1000 - 60e6;
    // Of flows 1 and 2 in turns, two of them at the same moment; one is of no flow.
    const flows = [1, 2, 1, 1, 2, 0, 1];
    fillDatabase(
      site,
      flows.map((flowId, index) =>
        makePacket({ flowId, tsUs: startUs + (index === 3 ? 2 : index) * 1000, info: `p${index}` })
      ),
    );
    const { packets } = await (await site.get("/api/packets")).json();
    const idOf = (index: number) =>
      packets.find(({ info }: { info: string }) => info === `p${index}`).id as number;
    const linked = async (id: number) => {
      const html = await (await site.get(`/packets/${id}`)).text();
      return ["prev", "next"].map((rel) => {
        const [link] = new RegExp(`<a[^>]* rel="${rel}"[^>]*>`).exec(html) ?? [];
        return link === undefined ? null : Number(/href="\/packets\/(\d+)"/.exec(link)![1]);
      });
    };
    for (const indexes of [[0, 2, 3, 6], [1, 4], [5]]) {
      const ids = indexes.map(idOf);
      const flowsOf = ids.map((id) => packets.find((row: { id: number }) => row.id === id).flow_id);
      assert.equal(new Set(flowsOf).size, 1);
      for (const [place, id] of ids.entries()) {
        assert.deepEqual(
          await linked(id),
          [ids[place - 1] ?? null, ids[place + 1] ?? null],
          `packet ${indexes[place]}`,
        );
      }
    }
  }));
