/**
 * The dashboard in headless Chromium, as a person sees it. Every page is watched: an error in the console, a refusal
 * by the Content-Security-Policy, a dialog or a request to another host fails the test.
 */
import assert from "node:assert/strict";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { pcapFile, samplePackets } from "../agent/capture/sample_captures.ts";
import type { Incident } from "../agent/records.ts";
import { parseSearch } from "../agent/search/parse.ts";
import { openRingSlice } from "../agent/cli/ring_export.ts";
import { createDashboard } from "../dashboard.ts";
import { missingChromium, openChromium, watchPage } from "./chromium.ts";
import {
  fillDatabase,
  type Fixture,
  makePacket,
  makePackets,
  makeSecond,
  makeSnapshot,
  makeSource,
  nowUs,
  openFixture,
  startTraffic,
} from "./dashboard_fixture.ts";

import { openWriter } from "../agent/store/testing.ts";
import { makeAlert, makeDelivery, makeIncident } from "./incident_fixture.ts";
import {
  makeAnomaly,
  makeFindings,
  makeScan,
  pageOf,
  readyDetection,
  storeFindings,
} from "./finding_fixture.ts";

const isMissing = missingChromium !== "";
const suffix = isMissing ? ` (SKIPPED: ${missingChromium})` : "";
const pages = [
  "/",
  "/status",
  "/flows",
  "/flows?q=port+443+and+not+proto+udp",
  "/packets",
  "/hosts",
  "/hosts/192.168.10.14",
  "/hosts/new",
  "/anomalies",
  "/scans",
  "/alerts",
]
  .concat("/incidents");
const captureStartS = 1_700_000_000;

let browser: Browser;
Deno.test.beforeAll(async () => {
  if (!isMissing) browser = await openChromium();
});
Deno.test.afterAll(async () => {
  await browser?.close();
});

interface Visit extends Fixture {
  readonly page: Page;
  readonly origin: string;
  /** Tells the page of one more second. */
  tick(change?: Parameters<typeof makeSnapshot>[0], packets?: number): void;
}
interface VisitOptions {
  readonly context?: BrowserContextOptions;
  readonly password?: string;
  /** Leaves the sensor without a packet. */
  readonly isSilent?: boolean;
}

/** A test in a page of its own, over a server of its own. */
function browserTest(
  name: string,
  use: (visit: Visit) => Promise<void>,
  options: VisitOptions = {},
): void {
  Deno.test({
    name: name + suffix,
    ignore: isMissing,
    sanitizeOps: false,
    sanitizeResources: false,
    fn: () => visit(use, options),
  });
}

/** Tells the pages of an incident that is new or has changed. */
function tellIncident(
  live: Fixture["live"],
  incident: Incident,
  absorbedIds: readonly number[] = [],
): void {
  live.setIncident({ incident, joined: [], absorbedIds });
}

async function visit(use: (visit: Visit) => Promise<void>, options: VisitOptions): Promise<void> {
  const fixture = await openFixture({
    password: options.password ?? null,
    exportPcap: ({ fromUs, toUs, q }) => {
      const filter = { search: parseSearch(q, "pcap").tree };
      return Promise.resolve(
        openRingSlice({ folder: fixture.folder, fromUs, toUs, filter, vxlanPorts: [] }),
      );
    },
  });
  const { live, folder } = fixture;
  await Deno.writeFile(
    `${folder}/captured_traffic.pcap`,
    pcapFile(samplePackets(30, captureStartS)),
  );
  if (options.isSilent) live.setSource(makeSource({ packets: 0 }));
  else {
    fillDatabase(fixture, [...makePackets(200), makePacket({ application: "ntp", info: "NTP" })]);
    startTraffic(live);
  }
  const dashboard = createDashboard(fixture.context);
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    dashboard.handler,
  );
  const origin = `http://127.0.0.1:${server.addr.port}`;
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    ...options.context,
  });
  const page = await context.newPage();
  const complaints = watchPage(page, origin);
  let number = 0;
  const tick: Visit["tick"] = (change = {}, packets = 1000) => {
    number++;
    const second = makeSecond(nowUs() + number * 1e6, number);
    live.setSnapshot(makeSnapshot(change), [{ ...second, packets }]);
  };
  try {
    await use({ ...fixture, page, origin, tick });
    assert.deepEqual(complaints, []);
  } finally {
    await context.close();
    dashboard.closeStreams();
    await server.shutdown();
    await fixture.close();
  }
}

/** Collects what must not happen. */
const stat = (page: Page, label: string) => page.locator(`[data-stat="${label}"]`);
const liveButton = (page: Page) => page.locator("button.live");

/** Opens a page and waits until its islands are connected. */
async function openLive({ page, origin }: Visit, path = "/"): Promise<void> {
  const stream = page.waitForResponse((response) => response.url().includes("/api/events"));
  await page.goto(origin + path);
  await stream;
}

browserTest("numbers move with each second and nothing flashes", async (visit) => {
  const { page, tick } = visit;
  await openLive(visit);
  await stat(page, "Packets").getByText("/s").waitFor();
  const verdict = await page.locator(".verdict h2").elementHandle();
  tick({ packets: 90_000, flowsActive: 777 }, 7321);
  await stat(page, "Packets").getByText("7,321").waitFor();
  await stat(page, "Open flows").getByText("777").waitFor();
  tick({ packets: 95_000 }, 8456);
  await stat(page, "Packets").getByText("8,456").waitFor();
  assert.ok(await verdict!.evaluate((node) => node.isConnected), "changed in place");
});

browserTest("charts draw their data and do not grow with updates", async (visit) => {
  const { page, tick } = visit;
  await openLive(visit);
  const lines = page.locator(".pal-io .line-graph-path");
  await lines.first().waitFor({ state: "attached" });
  await page.locator(".pal-proto .donut-path").first().waitFor({ state: "attached" });
  assert.equal(await lines.count(), 2, "in and out");
  assert.equal(await page.locator(".pal-proto .donut-path").count(), 7);
  assert.equal(await page.locator(".sketch").count(), 0, "the server's drawing has gone");
  for (const line of await lines.all()) {
    const [drawn, frame] = [await line.boundingBox(), await page.locator(".pal-io").boundingBox()];
    assert.ok(drawn!.y + drawn!.height <= frame!.y + frame!.height, "inside the chart");
  }
  const nodes = () => page.locator(".tw-chart *").count();
  tick({}, 4001);
  await stat(page, "Packets").getByText("4,001").waitFor();
  const before = await nodes();
  for (let packets = 4002; packets < 4012; packets++) {
    tick({}, packets);
    await stat(page, "Packets").getByText(packets.toLocaleString("en")).waitFor();
  }
  assert.ok(Math.abs(await nodes() - before) < 20, `${before} nodes became ${await nodes()}`);
  const [inColour, outColour] = await lines.evaluateAll((paths) =>
    paths.map((path) => getComputedStyle(path).stroke)
  );
  assert.notEqual(inColour, outColour);
});

browserTest(
  "the protocol filter acts at once, fills up from the database, and is in the address",
  async (visit) => {
    const { page, tick } = visit;
    await openLive(visit, "/packets");
    const rows = page.locator("#newest tbody tr");
    await page.locator("#newest select").selectOption("dns");
    await page.locator("#newest header p").getByText("only DNS").waitFor();
    await page.locator('#newest tbody tr[data-application="dns"]').nth(14).waitFor();
    assert.equal(await page.locator('#newest tbody tr:not([data-application="dns"])').count(), 0);
    assert.equal(new URL(page.url()).search, "?protocol=dns");
    const fresh = makePacket({
      application: "dns",
      protocol: "udp",
      info: "A fresh.example",
      tsUs: nowUs() + 9e6,
    });
    await page.mouse.move(5, 5);
    tick({ newestPackets: [fresh] });
    await rows.first().getByText("A fresh.example").waitFor();
    await page.locator("#newest select").selectOption("ntp");
    await rows.getByText("NTP").first().waitFor();
    await page.reload();
    assert.equal(await page.locator("#newest select").inputValue(), "ntp");
  },
);

browserTest(
  "a click on a host and a stroke over the chart narrow the page, and back goes back",
  async (visit) => {
    const { page, origin } = visit;
    await openLive(visit, "/?range=1h");
    await page.getByRole("link", { name: "192.168.10.23" }).first().click();
    await page.waitForURL(/q=host\+192\.168\.10\.23/);
    await page.locator(".narrowed .chip").getByText("host 192.168.10.23").waitFor();
    await page.goBack();
    await page.waitForURL(`${origin}/?range=1h`);
    await page.locator(".pal-io .line-graph-path").first().waitFor({ state: "attached" });
    const box = (await page.locator(".tw-chart.brush").boundingBox())!;
    await page.mouse.move(box.x + box.width * 0.4, box.y + 150);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.6, box.y + 160, { steps: 5 });
    await page.locator(".tw-over .chosen").waitFor();
    await page.mouse.up();
    await page.waitForURL(/from=\d+&to=\d+/);
    const query = new URL(page.url()).searchParams;
    const spanS = (Number(query.get("to")) - Number(query.get("from"))) / 1e6;
    assert.ok(spanS > 500 && spanS < 1000, `${spanS} s of 3,000`);
    await page.locator('.dates summary[aria-current="true"]').waitFor();
    await page.goBack();
    await page.waitForURL(`${origin}/?range=1h`);
  },
);

browserTest("any day is three clicks away, beside the week before", async (visit) => {
  const { page } = visit;
  let clicks = 0;
  const click = async (name: string, role: "button" | "link") => {
    clicks++;
    await page.getByRole(role, { name, exact: true }).first().click();
  };
  await openLive(visit);
  clicks++;
  await page.locator(".dates summary").click();
  const day = new Date(Date.now() - 5 * 86_400_000).toISOString().slice(0, 10);
  await page.locator(".dates [name=from]").fill(`${day}T00:00`);
  await page.locator(".dates [name=to]").fill(`${day}T23:59:59`);
  await click("Show", "button");
  await page.waitForURL(/from=/);
  await page.locator(".panel h2").getByText("Traffic").waitFor();
  await click("beside the week before", "link");
  await page.waitForURL(/compare=week/);
  await page.locator(".legend").getByText("week before").waitFor();
  assert.equal(clicks, 3);
});

browserTest("rows hold still under the pointer and newer ones wait", async (visit) => {
  const { page, tick } = visit;
  await openLive(visit, "/packets");
  const first = page.locator("#newest tbody tr").first();
  await first.hover();
  const text = await first.textContent();
  tick({ newestPackets: makePackets(3, nowUs() + 60e6) });
  await page.locator("#newest .chip").getByText("3 newer").waitFor();
  assert.equal(await first.textContent(), text);
  await page.mouse.move(5, 5);
  await page.locator("#newest .chip").waitFor({ state: "detached" });
  assert.notEqual(await first.textContent(), text);
});

browserTest("an export is a pcap that tcpdump reads", async (visit) => {
  const { page, origin, folder } = visit;
  await page.goto(`${origin}/packets`);
  const form = page.locator("form.export");
  await form.locator("[name=from]").fill(localTime(captureStartS + 10));
  await form.locator("[name=to]").fill(localTime(captureStartS + 20));
  await form.locator("[name=host]").fill("10.0.0.2");
  const downloaded = page.waitForEvent("download");
  await form.getByRole("button").click();
  const download = await downloaded;
  assert.match(download.suggestedFilename(), /^tapwatch-\d{8}T\d{6}Z\.pcap$/);
  const path = `${folder}/download.pcap`;
  await download.saveAs(path);
  const { stdout, success } = await new Deno.Command("tcpdump", { args: ["-nr", path] }).output();
  const lines = new TextDecoder().decode(stdout).trimEnd().split("\n");
  assert.ok(success);
  assert.equal(lines.length, 10);
  assert.ok(lines.every((line) => line.includes("10.0.0.1.1000 > 10.0.0.2.53")));
});

/** As a datetime-local input takes it, in the zone of this machine, which is the sensor's. */
function localTime(seconds: number): string {
  const date = new Date((seconds - new Date(seconds * 1000).getTimezoneOffset() * 60) * 1000);
  return date.toISOString().slice(0, 19);
}

browserTest("pausing stops the numbers, going on brings what was missed", async (visit) => {
  const { page, tick } = visit;
  await openLive(visit);
  tick({}, 1111);
  await stat(page, "Packets").getByText("1,111").waitFor();
  await liveButton(page).click();
  await liveButton(page).getByText("Paused").waitFor();
  tick({}, 2222);
  assert.match(await stat(page, "Packets").textContent() ?? "", /1,111/);
  await liveButton(page).click();
  await stat(page, "Packets").getByText("2,222").waitFor();
  await page.keyboard.press("Tab");
  await page.locator("body").click({ position: { x: 600, y: 60 } });
  await page.keyboard.press(" ");
  await liveButton(page).getByText("Paused").waitFor();
});

browserTest(
  "without news for five seconds the page says so and keeps its numbers",
  async (visit) => {
    const { page, tick } = visit;
    await page.clock.install();
    await openLive(visit);
    tick({}, 3333);
    await stat(page, "Packets").getByText("3,333").waitFor();
    await page.clock.fastForward(6000);
    await liveButton(page).getByText("No news").waitFor();
    assert.equal(await liveButton(page).getAttribute("data-state"), "stale");
    assert.match(await stat(page, "Packets").textContent() ?? "", /3,333/);
    tick({}, 4444);
    await stat(page, "Packets").getByText("4,444").waitFor();
    assert.equal(await liveButton(page).getAttribute("data-state"), "live");
  },
);

browserTest("trouble appears by itself and goes again", async (visit) => {
  const { page, tick, live } = visit;
  await openLive(visit);
  await page.getByText("Capturing without loss").waitFor();
  live.setSource(makeSource({ state: "retrying", detail: "device gone, next try in 4 s" }));
  live.note("error", "enp3s0: device gone");
  await page.locator(".finding").getByText("enp3s0 cannot be read").waitFor();
  live.setSource(makeSource());
  tick();
  await page.getByText("Capturing without loss").waitFor();
  assert.equal(await page.locator(".finding").count(), 0);
});

browserTest(
  "an incident appears on the overview at once, in the title and the navigation",
  async (visit) => {
    const { page, live } = visit;
    storeFindings(visit, []);
    await openLive(visit);
    await page.getByText("Capturing without loss").waitFor();
    assert.equal(await page.locator(".nav .n").count(), 0, "no counter at zero");
    const scan = makeIncident({ id: 1, headline: "192.168.10.57 scanned 38 hosts" });
    tellIncident(live, scan);
    const row = page.locator("a.finding");
    await row.getByText("192.168.10.57 scanned 38 hosts").waitFor();
    await page.getByRole("heading", { name: "1 thing needs a look" }).waitFor();
    await page.locator('[role="alert"]').getByText("192.168.10.57 scanned 38").waitFor({
      state: "attached",
    });
    assert.equal(await page.title(), "(1) tapwatch");
    await page.locator('.nav a[href="/incidents"] .n').getByText("1").waitFor();
    tellIncident(live, { ...scan, headline: "192.168.10.57 scanned 900 hosts" });
    await row.getByText("scanned 900 hosts").waitFor();
    assert.equal(await row.count(), 1, "grown, not doubled");
    tellIncident(live, makeIncident({ id: 2, headline: "10.0.0.7 guessed passwords" }));
    await row.getByText("10.0.0.7 guessed passwords").waitFor();
    assert.equal(await row.count(), 2);
    assert.equal(await page.title(), "(2) tapwatch");
    tellIncident(live, makeIncident({ id: 3, headline: "All in one" }), [1, 2]);
    await row.getByText("All in one").waitFor();
    assert.equal(await row.count(), 1, "what has become part of another is no row of its own");
    await page.locator('.nav a[href="/incidents"] .n').getByText("1").waitFor();
  },
);

browserTest("what a mute holds back is no news when it goes on", async (visit) => {
  const { page, live, context } = visit;
  storeFindings(visit, []);
  const mute = { kind: "scan", source: "10.0.0.9", destination: "", port: "", note: "pen test" };
  await context.alerts.addMute({ ...mute, untilUs: null });
  await openLive(visit);
  await page.getByText("Capturing without loss").waitFor();
  tellIncident(live, makeIncident({ id: 1 }));
  await page.locator(".findings").getByText("1 muted").waitFor();
  assert.equal(await page.locator("a.finding, .nav .n").count(), 0);
  assert.doesNotMatch(await page.title(), /^\(/);
  tellIncident(live, makeIncident({ id: 1, kinds: ["scan", "brute_force"] }));
  await page.locator("a.finding").getByText("10.0.0.9 scanned 10.0.0.2").waitFor();
});

browserTest("incidents told while the page was paused are caught up with", async (visit) => {
  const { page, live, tick } = visit;
  storeFindings(visit, []);
  await openLive(visit);
  tick({}, 1234);
  await stat(page, "Packets").getByText("1,234").waitFor();
  await liveButton(page).click();
  await liveButton(page).getByText("Paused").waitFor();
  storeFindings(visit, [makeScan({ lastUs: nowUs() })]);
  tellIncident(live, makeIncident({}));
  await liveButton(page).click();
  await page.locator("a.finding").getByText("cam-garage (192.168.10.57) scanned 38").waitFor();
});

browserTest(
  "the list of incidents filters, takes new ones that fit, in its order",
  async (visit) => {
    const { page, live } = visit;
    storeFindings(visit);
    await openLive(visit, "/incidents");
    const rows = page.locator(".episodes tbody tr");
    assert.equal(await rows.count(), 5);
    await page.getByLabel("Order").selectOption("severity");
    await page.getByLabel("State").selectOption("open");
    const stream = page.waitForResponse((response) => response.url().includes("/api/events"));
    await page.getByRole("button", { name: "Filter" }).click();
    await stream;
    assert.deepEqual(
      await rows.locator(".sev").allTextContents(),
      ["Critical", "Medium", "Low"],
    );
    tellIncident(live, makeIncident({ id: 50, headline: "fresh 50", severity: "high" }));
    tellIncident(live, makeIncident({ id: 51, headline: "fresh 51", isOpen: false }));
    await rows.nth(1).getByText("fresh 50").waitFor();
    assert.equal(await rows.count(), 4);
  },
);

browserTest(
  "an incident is read, looked at and muted from its page, wide and on a phone, light and dark",
  async (visit) => {
    const { page, origin, live } = visit;
    storeFindings(visit);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      for (const size of [{ width: 1280, height: 900 }, { width: 390, height: 844 }]) {
        await page.setViewportSize(size);
        for (const path of ["/", "/incidents", "/incidents/1", "/incidents/4", "/scans"]) {
          await page.goto(origin + path);
          const overflow = await page.evaluate(() =>
            document.documentElement.scrollWidth - innerWidth
          );
          assert.ok(overflow <= 0, `${path} is ${overflow} px too wide at ${size.width}`);
        }
      }
    }
    await openLive(visit, "/incidents/1");
    await page.locator(".course").getByText("192.168.10.57 tried 12 ports").waitFor();
    tellIncident(live, makeIncident({ id: 1, headline: "It scanned on", findingCount: 9 }));
    await page.locator(".update").getByText("There is more to it by now: It scanned on").waitFor();
    await page.getByRole("button", { name: "Acknowledge" }).click();
    await page.locator(".acknowledge").getByText("Acknowledged").waitFor();
    await page.getByRole("button", { name: "Undo" }).click();
    await page.getByRole("button", { name: "Acknowledge" }).waitFor();
    await page.locator(".head").getByRole("link", { name: "Mute" }).click();
    const dialog = page.getByRole("dialog", { name: "Mute incidents like this" });
    await dialog.getByText(/would have held back/).waitFor();
    await dialog.getByRole("button", { name: "Mute for 1 week" }).click();
    await page.locator(".notes").getByText("This incident is muted until").waitFor();
    await page.goto(`${origin}/incidents`);
    await page.locator("tr.muted").getByText("cam-garage (192.168.10.57)").waitFor();
    await page.goto(`${origin}/incidents/1`);
    await page.getByRole("button", { name: "Lift the mute" }).click();
    await page.locator(".head").getByRole("link", { name: "Mute" }).waitFor();
  },
);

browserTest(
  "without JavaScript an incident is read, looked at, and leads to its form of a mute",
  async (visit) => {
    const { page, origin } = visit;
    storeFindings(visit);
    await page.goto(`${origin}/incidents?severity=critical`);
    assert.equal(await page.locator(".episodes tbody tr").count(), 1);
    await page.locator('.episodes a[href^="/incidents/"]').first().click();
    await page.getByRole("button", { name: "Acknowledge" }).click();
    await page.locator(".acknowledge").getByText("Acknowledged").waitFor();
    await page.locator(".head").getByRole("link", { name: "Mute" }).click();
    await page.waitForURL(/mutes\/new\?from=%2Fincidents%2F1/);
    assert.equal(await page.locator('input[name="source"]').inputValue(), "192.168.10.57");
  },
  { context: { javaScriptEnabled: false } },
);

browserTest(
  "the lists of findings filter, take new rows that fit, and hold still",
  async (visit) => {
    const { page, live } = visit;
    storeFindings(visit);
    await openLive(visit, "/scans");
    const rows = page.locator(".episodes tbody tr");
    assert.equal(await rows.count(), 2);
    await page.getByLabel("Severity").selectOption("low");
    const stream = page.waitForResponse((response) => response.url().includes("/api/events"));
    await page.getByRole("button", { name: "Filter" }).click();
    await stream;
    assert.equal(new URL(page.url()).searchParams.get("severity"), "low");
    assert.equal(await page.getByLabel("Severity").inputValue(), "low");
    assert.equal(await rows.count(), 1);
    const fresh = (id: number, severity: "low" | "high") =>
      makeScan({ id, severity, lastUs: nowUs(), reason: `fresh ${id}` });
    live.setFinding(fresh(50, "high"));
    live.setFinding(fresh(51, "low"));
    await rows.first().getByText("fresh 51").waitFor();
    assert.equal(await rows.count(), 2);
    await rows.first().hover();
    live.setFinding(fresh(52, "low"));
    await page.getByRole("button", { name: "1 newer" }).waitFor();
    assert.equal(await rows.count(), 2);
    await page.getByRole("button", { name: "1 newer" }).click();
    await page.mouse.move(5, 5);
    await rows.getByText("fresh 52").waitFor();
  },
);

browserTest(
  "the pages of findings show their grid and reasons, on a desk and on a phone",
  async (visit) => {
    const { page, origin, live } = visit;
    storeFindings(visit);
    live.detectionOwn = readyDetection;
    for (const size of [{ width: 1440, height: 900 }, { width: 390, height: 844 }]) {
      await page.setViewportSize(size);
      for (const finding of makeFindings()) {
        await page.goto(origin + pageOf(visit, finding));
        await page.locator(".todo li").first().waitFor();
        const overflow = await page.evaluate(() =>
          document.documentElement.scrollWidth - innerWidth
        );
        assert.ok(overflow <= 0, `${finding.kind} is ${overflow} px too wide at ${size.width}`);
      }
    }
    await page.goto(origin + pageOf(visit, makeScan()));
    const cell = page.locator('.hp td[title="10.20.0.14:445 open"]');
    assert.match(await cell.textContent() ?? "", /open/);
    const colours = await page.locator(".hp td.o, .hp td.c").evaluateAll((cells) =>
      new Set(cells.map((td) => getComputedStyle(td).backgroundColor)).size
    );
    assert.equal(colours, 2, "open and refused are told apart");
    await page.getByText("35 more").click();
    const link = page.getByRole("link", { name: "10.20.0.39" });
    assert.equal(await link.getAttribute("href"), "/hosts/10.20.0.39");
  },
);

browserTest("a hidden page still tells a new high incident in its title", async (visit) => {
  const { page } = visit;
  storeFindings(visit, []);
  await page.clock.install();
  const caughtUp = Promise.all(["incidents", "scans", "anomalies"].map(async (list) => {
    const response = await page.waitForResponse((one) => one.url().includes(`/api/${list}?`));
    await response.finished();
  }));
  await openLive(visit, "/packets");
  await caughtUp;
  await page.evaluate(() => {
    Object.defineProperty(document, "hidden", { value: true });
    document.dispatchEvent(new Event("visibilitychange"));
  });
  storeFindings(visit, [makeScan(), makeAnomaly({ severity: "low" })]);
  await page.clock.fastForward(21_000);
  await page.waitForFunction(() => document.title === "(1) tapwatch");
});

browserTest("the status page shows how far learning is", async (visit) => {
  const { page, live, tick } = visit;
  live.detectionOwn = { ...readyDetection, state: "learning", windowsLearnt: 43 };
  await openLive(visit, "/status");
  await page.locator("#detection").getByText("learning, 43 of 256 windows").waitFor();
  live.detectionOwn = readyDetection;
  tick();
  await page.locator("#detection").getByText("3 of 412").waitFor();
  assert.equal(await page.getByRole("progressbar").count(), 0);
});

browserTest("the first packet turns the waiting page into a living one", async (visit) => {
  const { page, tick } = visit;
  await openLive(visit);
  await page.getByText("Waiting for the first packet").waitFor();
  for (let second = 0; second < 12; second++) tick({}, 50 + second);
  await page.getByText("Capturing without loss").waitFor();
  await page.locator(".pal-io .line-graph-path").first().waitFor({ state: "attached" });
}, { isSilent: true });

browserTest("the status page brings its log and counters up to date", async (visit) => {
  const { page, tick, live } = visit;
  await openLive(visit, "/status");
  live.note("warning", "the database was locked for 2 s");
  await page.locator(".log tr").first().getByText("the database was locked for 2 s").waitFor();
  live.setSource(makeSource({ kernelDrops: 12_345 }));
  tick();
  await page.locator(".name-state").getByText("12,345").waitFor();
  await page.locator(".pal-ink .line-graph-path").first().waitFor({ state: "attached" });
});

browserTest(
  "a finding is muted from its page, after a preview that follows the fields",
  async (visit) => {
    const { page, origin, folder, context: { alerts } } = visit;
    storeFindings(visit, [makeScan()]);
    const writer = openWriter(`${folder}/packet_logs.db`);
    const actor = makeScan().sources[0]!;
    const incidents = [
      makeIncident({ id: 1, actor, sources: [actor], targets: ["10.20.0.14"] }),
      makeIncident({ id: 2, actor: "10.0.0.7", sources: ["10.0.0.7"], severity: "low" }),
    ];
    writer.writeFindings(
      [],
      incidents.map((incident) => ({ incident, joined: [], absorbedIds: [] })),
    );
    writer.close();
    await page.goto(origin + pageOf(visit, makeScan()));
    await page.getByRole("link", { name: "Mute", exact: true }).click();
    const dialog = page.getByRole("dialog", { name: "Mute findings like this" });
    await dialog.getByLabel("Source").fill("10.99.0.1");
    await dialog.getByText("would have held back nothing").waitFor();
    await dialog.getByLabel("Source").fill("10.99.0.1/99");
    await dialog.getByRole("alert").getByText("source must be an address").waitFor();
    await dialog.getByLabel("Source").fill("");
    await dialog.getByLabel("Target").fill("10.0.0.0/8");
    await dialog.getByText("would have held back 2 of the 2 incidents").waitFor();
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    await page.getByRole("link", { name: "Mute", exact: true }).click();
    await dialog.getByLabel("Source").fill(actor);
    await dialog.getByLabel("Target").fill("");
    await dialog.getByText("held back 1 of the 2 incidents").waitFor();
    await dialog.getByText("1 hour").click();
    await dialog.getByLabel("Note").fill("our scanner");
    await dialog.getByRole("button", { name: "Mute for 1 hour" }).click();
    await page.getByText(/Muted until .*: our scanner/).waitFor();
    assert.equal(page.url(), origin + pageOf(visit, makeScan()));
    assert.equal(alerts.mutes[0]!.source, actor);
    await page.getByRole("button", { name: "Lift the mute" }).click();
    await page.getByRole("link", { name: "Mute", exact: true }).waitFor();
    assert.equal(alerts.mutes.length, 0);
  },
);

browserTest("alerts come as they are decided, and change as channels answer", async (visit) => {
  const { page, live, tick } = visit;
  const writer = openWriter(`${visit.folder}/packet_logs.db`);
  const incident = makeIncident({ id: 1 });
  const old = makeAlert({ id: 1 });
  writer.writeFindings([], [{ incident, joined: [], absorbedIds: [] }]);
  writer.writeAlerts({ alerts: [old], mutes: [], unmutedIds: [], acknowledged: [] });
  writer.close();
  const channel = {
    channel: "mail to noc@example.org",
    sent: 0,
    failed: 0,
    retries: 0,
    waiting: 0,
    lastSentUs: null,
    lastFailedUs: null,
    lastFailure: "",
    isFailing: false,
  };
  live.channels = [channel];
  await openLive(visit, "/alerts");
  await page.getByText("Alerts go by mail to noc@example.org").waitFor();
  const deliveries = [makeDelivery({ state: "waiting", attempts: 0, answer: "" })];
  const fresh = makeAlert({
    id: 2,
    tsUs: nowUs(),
    headline: "fresh one",
    state: "waiting",
    deliveries,
  });
  live.setAlert(fresh);
  const row = page.locator("#alert-2");
  await row.getByText("mail to noc@example.org waiting").waitFor();
  live.setAlert({
    ...fresh,
    state: "failed",
    deliveries: [makeDelivery({ state: "failed", answer: "550 no" })],
  });
  await row.getByText("550 no").waitFor();
  assert.equal(await page.locator(".alerts tbody tr").count(), 2);
  live.channels = [{ ...channel, lastFailedUs: nowUs(), lastFailure: "550 no", isFailing: true }];
  tick();
  await page.getByText("Alerts do not arrive: mail to noc@example.org fails").waitFor();
  await page.getByRole("button", { name: "Send a test" }).waitFor();
});

browserTest("every page fits a phone without sideways scrolling", async ({ page, origin }) => {
  for (const path of [...pages, "/mutes/new?kind=scan"]) {
    await page.goto(origin + path);
    await page.locator("nav.bottom").waitFor();
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(overflow <= 0, `${path} is ${overflow} px too wide`);
  }
  await page.getByRole("button", { name: "More" }).click();
  await page.locator("#more").getByText("Hosts").click();
  await page.waitForURL(`${origin}/hosts`);
}, { context: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true } });

browserTest("the theme is remembered and there from the first paint", async (visit) => {
  const { page, origin } = visit;
  await openLive(visit);
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await background();
  await page.getByRole("button", { name: /^Theme/ }).click();
  await page.locator("html[data-theme=light]").waitFor();
  assert.notEqual(await background(), dark);
  const html = await (await page.goto(`${origin}/status`))!.text();
  assert.match(html, /<html lang="en" data-theme="light">/);
}, { context: { colorScheme: "dark" } });

browserTest(
  "without JavaScript there are numbers, a filter and a theme",
  async ({ page, origin }) => {
    await page.goto(origin);
    assert.match(await stat(page, "Packets").textContent() ?? "", /\d\/s/);
    await page.goto(`${origin}/packets`);
    await page.locator("#newest select").selectOption("arp");
    await page.locator("#newest").getByRole("button", { name: "Show" }).click();
    await page.waitForURL(/protocol=arp/);
    assert.ok(await page.locator('#newest tr[data-protocol="arp"]').count() > 0);
    assert.equal(await page.locator('#newest tr[data-protocol="tcp"]').count(), 0);
    await page.getByRole("button", { name: /^Theme/ }).click();
    await page.locator("html[data-theme=light]").waitFor();
  },
  { context: { javaScriptEnabled: false } },
);

browserTest(
  "a login leads to where one wanted to go, and a logout ends it",
  async ({ page, origin }) => {
    await page.goto(`${origin}/flows`);
    await page.getByLabel("Password").fill("correct horse");
    await page.getByRole("button", { name: "Log in" }).click();
    await page.waitForURL(`${origin}/flows`);
    await page.getByRole("button", { name: "Log out" }).click();
    await page.waitForURL(`${origin}/login`);
  },
  { password: "correct horse" },
);

browserTest(
  "the search box offers the words that fit, takes them by key, and searches",
  async (visit) => {
    const { page } = visit;
    await openLive(visit, "/flows");
    await page.keyboard.press("/");
    const box = page.getByRole("combobox", { name: "Search flows" });
    await page.keyboard.type("por");
    const options = page.getByRole("listbox", { name: "Words that fit" }).getByRole("option");
    await options.first().waitFor();
    assert.deepEqual(
      await options.allInnerTexts().then((all) => all.map((text) => text.split(" ")[0])),
      [
        "port",
      ],
    );
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    assert.equal(await box.inputValue(), "port ");
    await page.keyboard.type("443 an");
    await options.getByText("and").first().waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.keyboard.type("proto t");
    await options.getByText("tcp").click();
    assert.equal(await box.inputValue(), "port 443 and proto tcp ");
    await page.keyboard.press("Escape");
    assert.equal(await options.count(), 0);
    await page.keyboard.press("Enter");
    await page.waitForURL(/q=port\+443\+and\+proto\+tcp/);
    const chips = page.getByRole("group", { name: "Search in use" }).getByRole("link");
    assert.equal(await chips.count(), 2);
    await chips.first().click();
    await page.waitForURL(/q=proto\+tcp$/);
  },
);

browserTest(
  "from a flow to flows like it and to its packets, without scripts too",
  async ({ page, origin }) => {
    await page.goto(`${origin}/flows`);
    await page.getByRole("link", { name: /^\d\d:\d\d/ }).first().click();
    await page.getByRole("heading", { name: "Flows like this one" }).waitFor();
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(overflow <= 0, `${overflow} px too wide`);
    await page.getByRole("link", { name: "the same JA4" }).click();
    await page.waitForURL(/q=ja4/);
    await page.getByText(/^1 flow$/).waitFor();
  },
  { context: { javaScriptEnabled: false, viewport: { width: 390, height: 844 } } },
);
