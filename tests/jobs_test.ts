/**
 * The seven jobs of somebody who asks: each in three clicks at most from the overview, over the replay of nine days (week_capture.ts).
 */
import assert from "node:assert/strict";
import type { Browser } from "playwright-core";
import { makeMmdb } from "../agent/geo/testing.ts";
import { missingChromium, openChromium } from "./chromium.ts";
import { replayed } from "./every_page.ts";
import { hasMailServer, type MailServer, startMailServer } from "./mail_server.ts";
import { patiently, Program } from "./program.ts";
import { Reader } from "./reader.ts";
import { cloud, people, stranger, week, weekCapture } from "./week_capture.ts";

const missingMail = hasMailServer ? "" : "needs python3-aiosmtpd";
let browser: Browser;
let program: Program;
let mail: MailServer;
let folder = "";
/** Where the link of the mail about the scan leads. */
let alertPath = "";

Deno.test.beforeAll(async () => {
  if (missingChromium !== "") return;
  folder = await Deno.makeTempDir({ prefix: "tapwatch-jobs-" });
  await Deno.writeFile(`${folder}/week.pcap`, weekCapture());
  const places = makeMmdb([
    ["203.0.113.0/24", { country: { iso_code: "SE" } }],
    ["198.51.100.0/24", { country: { iso_code: "KZ" } }],
  ]);
  await Deno.writeFile(`${folder}/places.mmdb`, places);
  const ring = ["--pcap-file-mb", "1", "--pcap-files", "2", "--geo-db", "places.mmdb"];
  const telling: string[] = [];
  if (hasMailServer) {
    mail = await startMailServer([]);
    telling.push("--smtp-url", `smtp://127.0.0.1:${mail.port}?security=none`);
    telling.push("--mail-to", "ops@example.org", "--dashboard-url", "https://tap.example.org");
  }
  program = await Program.start(
    ["replay", "week.pcap", "--speed", "max", "--results", "r", ...ring, ...telling],
    { cwd: folder, env: { TZ: "UTC" } },
  );
  await replayed(program);
  if (hasMailServer) alertPath = await patiently("the mail about the scan", linkOfScan());
  browser = await openChromium();
});

/** The path of the link of the first mail about the phone's scan. */
async function linkOfScan(): Promise<string> {
  for (;;) {
    const { taken } = await mail.next();
    const subject = new Map(taken?.headers).get("Subject") ?? "";
    const [, path] = /https:\/\/tap\.example\.org(\/\S+)/.exec(taken?.parts[0]?.text ?? "") ?? [];
    if (path !== undefined && subject.includes(people.phone.ip)) return path;
  }
}

Deno.test.afterAll(async () => {
  await browser?.close();
  await program?.[Symbol.asyncDispose]();
  await mail?.stop();
  if (folder !== "") await Deno.remove(folder, { recursive: true });
});

function job(
  name: string,
  use: (reader: Reader) => Promise<void>,
  { path, missing = missingChromium }: {
    /** Where it begins, when not at the overview. */
    readonly path?: () => string;
    readonly missing?: string;
  } = {},
): void {
  Deno.test({
    name: missing === "" ? name : `${name} (SKIPPED: ${missing})`,
    ignore: missing !== "",
    sanitizeOps: false,
    sanitizeResources: false,
    fn: () => Reader.job(browser, { origin: program.url, path: path?.() ?? "/" }, use),
  });
}

/** What each list of the overview shows, as one line a row. */
async function rowsOf(reader: Reader, title: string): Promise<string[]> {
  const rows = await reader.panel(title).locator("tbody tr").allInnerTexts();
  return rows.map((row) => row.replaceAll(/\s+/g, " ").trim());
}

/** Two clicks: the page of a time of one's own. */
async function showDates(reader: Reader, from: string, to: string): Promise<void> {
  await reader.press(reader.page.locator(".dates summary"));
  await reader.page.locator(".dates [name=from]").fill(from);
  await reader.page.locator(".dates [name=to]").fill(to);
  await reader.follow(reader.page.getByRole("button", { name: "Show" }));
}

interface Bytes {
  readonly in_bytes: readonly number[];
  readonly out_bytes: readonly number[];
}

/** What the overview's link "as numbers" leads to. */
async function numbersOf(
  reader: Reader,
): Promise<{ readonly series: Bytes; readonly beside: { readonly before: Bytes | null } }> {
  return await reader.page.evaluate(async () => {
    const href = [...document.links].find(({ textContent }) => textContent === "as numbers")!.href;
    return await (await fetch(href)).json();
  });
}

job("1: the internet is slow: who, since when, for what", async (reader) => {
  const [busiest] = await rowsOf(reader, "Busiest hosts");
  assert.match(busiest!, /^lena-laptop192\.168\.7\.20 90\.\d MB/);
  await reader.follow(reader.panel("Busiest hosts").getByRole("link", { name: /lena-laptop/ }));
  // The whole page is of the host.
  assert.match((await rowsOf(reader, "Busiest hosts")).join("\n"), /^lena-laptop/);
  assert.doesNotMatch((await rowsOf(reader, "Busiest hosts")).join("\n"), /cam-garage/);
  assert.match((await rowsOf(reader, "Services"))[0]!, /^TLS 90\.\d MB/);
  await reader.follow(reader.panel("Services").getByRole("link", { name: "TLS" }));
  await reader.sees(reader.page.locator(".chips"), /host 192\.168\.7\.20.*service tls/s);
  assert.deepEqual((await rowsOf(reader, "Services")).map((row) => row.split(" ")[0]), ["TLS"]);
  assert.match((await rowsOf(reader, "Networks outside"))[0]!, /^203\.0\.113\.0\/24/);
  // Since when: the first stretch of the chart in which there is something, and back again.
  const stretches = reader.page.locator(".stretches a");
  await reader.follow(stretches.nth(2));
  assert.match(reader.page.url(), /from=\d+&to=\d+/);
  assert.match((await rowsOf(reader, "Busiest hosts"))[0]!, /^lena-laptop/);
  await reader.page.goBack();
  await reader.page.waitForURL(/range=15m/);
});

job("1: a protocol, a network and a country narrow the page, too", async (reader) => {
  await reader.follow(reader.panel("Protocols").getByRole("link", { name: "DNS" }));
  await reader.sees(reader.page.locator(".chips"), "service dns");
  assert.deepEqual((await rowsOf(reader, "Services")).map((row) => row.split(" ")[0]), ["DNS"]);
  await reader.page.goBack();
  await reader.follow(reader.panel("Networks outside").getByRole("link", { name: /^203/ }));
  await reader.sees(reader.page.locator(".chips"), /net "?203\.0\.113\.0\/24/);
  assert.ok((await rowsOf(reader, "Busiest hosts")).length > 0);
});

job("1: a country narrows the whole page", async (reader) => {
  await reader.follow(reader.link("24 h"));
  assert.match((await rowsOf(reader, "Countries")).join("\n"), /^Sweden .*\nKazakhstan /);
  await reader.follow(reader.panel("Countries").getByRole("link", { name: "Kazakhstan" }));
  await reader.sees(reader.page.locator(".chip.on"), /^country KZ/);
  const first = async (title: string) =>
    (await rowsOf(reader, title)).map((row) => row.split(" ")[0]);
  assert.match((await rowsOf(reader, "Busiest hosts")).join("\n"), /^cam-garage[^\n]*$/);
  assert.deepEqual(await first("Services"), ["TLS"]);
  assert.deepEqual(await first("Networks outside"), ["198.51.100.0/24"]);
  assert.deepEqual(await first("Countries"), ["Kazakhstan"]);
  const { series } = await numbersOf(reader);
  const sent = series.out_bytes.reduce((sum, bytes) => sum + bytes, 0);
  assert.ok(sent > 24e6 && sent < 26e6, `${sent} bytes`);
});

job("1: a stretch that is drawn over the chart becomes the page's", async (reader) => {
  await reader.page.locator(".tw-chart.brush svg").first().waitFor();
  const box = (await reader.page.locator(".tw-chart.brush").boundingBox())!;
  const y = box.y + box.height / 2;
  await reader.page.mouse.move(box.x + box.width * 0.4, y);
  await reader.page.mouse.down();
  await reader.page.mouse.move(box.x + box.width * 0.8, y, { steps: 5 });
  await reader.page.mouse.up();
  await reader.page.waitForURL(/from=\d+&to=\d+/);
  const query = new URL(reader.page.url()).searchParams;
  const minutes = (Number(query.get("to")) - Number(query.get("from"))) / 60e6;
  assert.ok(minutes > 4 && minutes < 8, `${minutes} minutes of 15`);
  await reader.sees(reader.panel("Busiest hosts").locator("header"), /\d\d:\d\d:\d\d to/);
});

job(
  "2: an alert came at 03:12: what happened, and its packets three days later",
  async (reader) => {
    const text = await reader.text();
    assert.match(text, /Sun 7 Jun, 03:12:00/);
    assert.match(text, /192\.168\.7\.23 scanned 2 hosts and found 3 ports open/);
    assert.match(text, /nas-01/);
    assert.match(
      (await rowsOf(reader, "Found open"))[0]!,
      /^nas-01 192\.168\.7\.14 22 SSH, 80 HTTP/,
    );
    const packets = await reader.download(reader.link("Packets as pcap"));
    assert.ok(packets.length >= 600, `${packets.length} packets`);
    const [first] = packets;
    assert.ok(Math.abs(first!.timestampUs / 1e6 - week.scanS) < 10, String(first!.timestampUs));
    await reader.follow(reader.link("Open in Flows"));
    await reader.sees(reader.page.locator("main"), "192.168.7.23");
    await reader.follow(reader.page.locator("table.flows tbody tr td.time a"));
    assert.match(reader.page.url(), /\/flows\/\d+$/);
  },
  { path: () => alertPath, missing: missingChromium || missingMail },
);

job("3: is this camera talking to somewhere odd", async (reader) => {
  await reader.follow(reader.panel("Busiest hosts").getByRole("link", { name: /cam-garage/ }));
  await reader.follow(reader.link("Host"));
  await reader.follow(reader.link("24 h"));
  const peers = await rowsOf(reader, "Peers");
  assert.match(peers[0]!, /^198\.51\.100\.200 KZ 4\.\d+ kB 25\.0 MB 1 new, 11:30:00/);
  assert.match(peers[1]!, /^cam\.example 203\.0\.113\.10 SE .* 1 Jun 07:/);
  await reader.sees(reader.page.locator(".head"), "Usually active from 07:00 to 22:00");
  await reader.sees(
    reader.panel("What is new"),
    `talked to somebody in Kazakhstan for the first time: ${stranger}`,
  );
  await reader.sees(reader.panel("Incidents"), "sent far more than usual to 198.51.100.200");
  await reader.sees(reader.panel("Open now"), "no connection");
});

job("4: what is new on my network", async (reader) => {
  await reader.follow(reader.link("What is new"));
  const text = await reader.text();
  assert.match(text, /esp-7f \(192\.168\.7\.99\) was seen for the first time/);
  assert.match(text, /nas-01 .* answered as a server for the first time: .*8080\/tcp/);
  assert.match(
    text,
    /cam-garage .* talked to somebody in Kazakhstan for the first time: 198\.51\.100\.200/,
  );
  // Since yesterday: what the scan found on Sunday is older.
  const ssh = /nas-01 .* answered as a server for the first time: .*22\/tcp/;
  assert.doesNotMatch(text, ssh);
  await reader.sees(reader.page.locator(".chip.on"), "Since yesterday");
  await reader.follow(reader.link("All time"));
  assert.match(await reader.text(), ssh);
});

for (const [label, field] of [["JA4", "ja4"], ["name", "name"], ["peer", "host"]] as const) {
  job(`5: which flows had the same ${label} as this one`, async (reader) => {
    await reader.follow(reader.link("Flows").first());
    const flow = reader.page.locator("table.flows tbody tr").filter({ hasText: "cam.example" })
      .filter({ hasText: "TLS" });
    await reader.follow(flow.locator("td.time a"));
    const own = await storedFlow(reader);
    await reader.follow(reader.link(`the same ${label}`));
    await reader.sees(reader.page.locator(".chip.on"), new RegExp(`^${field} `));
    await reader.sees(reader.page.locator(".chips"), /100 of [\d,]+ flows/);
    const listed = await listedFlows(reader);
    assert.equal(await reader.page.locator("table.flows tbody tr").count(), 100);
    assert.equal(listed.length, 100);
    assert.ok(own.name === "cam.example" && own.resp_h === cloud && own.ja4 !== "");
    for (const flow of listed) {
      const isAlike = field === "host"
        ? [flow.orig_h, flow.resp_h].includes(own.resp_h)
        : flow[field] === own[field];
      assert.ok(isAlike, JSON.stringify(flow));
    }
  });
}

interface FlowEnds {
  readonly id: number;
  readonly orig_h: string;
  readonly resp_h: string;
  readonly ja4: string;
  readonly name: string;
}

/** The flow whose page is shown. */
async function storedFlow(reader: Reader): Promise<FlowEnds> {
  const id = new URL(reader.page.url()).pathname.split("/").at(-1);
  return JSON.parse(await program.get(`/api/flows/${id}`));
}

/** What the list that is shown has, through the interface. */
async function listedFlows(reader: Reader): Promise<readonly FlowEnds[]> {
  const { search } = new URL(reader.page.url());
  assert.match(search, /[?&]q=/);
  return JSON.parse(await program.get(`/api/flows${search}&limit=100`)).flows;
}

job("5: which flows used the same service", async (reader) => {
  await reader.follow(reader.link("Flows").first());
  await reader.follow(
    reader.page.locator("table.flows tbody td.proto a").filter({ hasText: "DNS" }),
  );
  const services = await reader.page.locator("table.flows td.proto").allInnerTexts();
  assert.deepEqual([...new Set(services)], ["DNS"]);
});

job("6: the packets of a flow", async (reader) => {
  await reader.follow(reader.link("Flows").first());
  await reader.follow(reader.page.locator("table.flows tbody td.time a"));
  assert.ok((await reader.download(reader.link("Packets as pcap"))).length > 1);
});

job("6: the packets of a host", async (reader) => {
  await reader.follow(reader.panel("Busiest hosts").getByRole("link", { name: /cam-garage/ }));
  await reader.follow(reader.link("Host"));
  const packets = await reader.download(reader.link("Packets as pcap"));
  assert.ok(packets.length > 100, `${packets.length} packets`);
});

job("6: the packets of an incident", async (reader) => {
  await reader.follow(reader.page.getByRole("link", { name: /sent far more than usual/ }));
  assert.ok((await reader.download(reader.link("Packets as pcap"))).length > 400);
});

job("6: the packets of a finding", async (reader) => {
  await reader.follow(reader.link("Scans").first());
  await reader.follow(reader.page.getByRole("link", { name: /probed/ }));
  assert.ok((await reader.download(reader.link("Packets as pcap"))).length > 400);
});

job("6: the packets of a search", async (reader) => {
  await reader.follow(reader.panel("Services").getByRole("link", { name: "DNS" }));
  await reader.follow(reader.page.locator("main").getByRole("link", { name: "Flows" }));
  assert.ok((await reader.download(reader.link("PCAP"))).length > 10);
});

job("6: or the reason why they are gone", async (reader) => {
  await showDates(reader, "2026-06-01T01:00", "2026-06-01T02:00");
  await reader.follow(reader.page.locator("main").getByRole("link", { name: "Flows" }));
  assert.ok(await reader.page.locator("table.flows tbody tr").count() > 3);
  assert.match(
    await reader.text(),
    /Its packets are gone\. The capture files begin [^;]+; what was before has been overwritten, /,
  );
  assert.equal(await reader.link("PCAP").count(), 0);
});

job("7: what did last Tuesday look like, beside the week before", async (reader) => {
  await showDates(reader, "2026-06-09T00:00", "2026-06-10T00:00");
  const when = "Tue 00:00 to ";
  for (
    const title of ["Busiest hosts", "Services", "Networks outside", "Anomaly rate", "New here"]
  ) {
    await reader.sees(reader.panel(title).locator("header"), when);
  }
  const [laptop] = await rowsOf(reader, "Busiest hosts");
  assert.match(laptop!, /^lena-laptop/);
  assert.ok(!laptop!.includes("90."), "the download was on Wednesday");
  await reader.follow(reader.link("beside the week before"));
  await reader.sees(reader.page.locator(".legend"), "week before");
  await reader.sees(reader.panel("Services").locator("thead"), "Week before");
  const numbers = await numbersOf(reader);
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const [now, before] = [sum(numbers.series.in_bytes), sum(numbers.beside.before!.in_bytes)];
  assert.ok(before > 0.5 * now && before < 2 * now, `${now} and ${before}`);
  assert.notEqual(now, before);
});
