/** The jobs that are about what goes on now, in a browser over a live capture (house_lab.ts). */
import assert from "node:assert/strict";
import type { Browser } from "playwright-core";
import { makeMmdb } from "../agent/geo/testing.ts";
import { missingChromium, openChromium } from "./chromium.ts";
import { house, HouseLab } from "./house_lab.ts";
import { missingForRoot, missingNamespaces, Program } from "./program.ts";
import { Reader } from "./reader.ts";

const missing = missingForRoot("ip", "nmap", "bash") || missingChromium ||
  await missingNamespaces();
let lab: HouseLab;
let program: Program;
let browser: Browser;
let folder = "";

Deno.test.beforeAll(async () => {
  if (missing !== "") return;
  folder = await Deno.makeTempDir({ prefix: "tapwatch-house-" });
  const places = makeMmdb([["203.0.113.0/24", { country: { iso_code: "KZ" } }]]);
  await Deno.writeFile(`${folder}/places.mmdb`, places);
  lab = await HouseLab.create();
  const args = ["run", "--allow-ffi", "-i", "br0", "--results", "r", "--geo-db", "places.mmdb"];
  program = await Program.start(args, { cwd: folder, prefix: lab.onRouter });
  await lab.live();
  // The dashboard is on the router's loopback.
  const script = `${folder}/chromium`;
  await Deno.writeTextFile(
    script,
    `#!/bin/sh\nexec ${lab.onRouter.join(" ")} /usr/bin/chromium "$@"\n`,
  );
  await Deno.chmod(script, 0o755);
  browser = await openChromium(script);
});

Deno.test.afterAll(async () => {
  await browser?.close();
  await program?.[Symbol.asyncDispose]();
  await lab?.[Symbol.asyncDispose]();
  if (folder !== "") await Deno.remove(folder, { recursive: true });
});

function job(name: string, use: (reader: Reader) => Promise<void>): void {
  Deno.test({
    name: missing === "" ? name : `${name} (SKIPPED: ${missing})`,
    ignore: missing !== "",
    sanitizeOps: false,
    sanitizeResources: false,
    fn: () => Reader.job(browser, { origin: program.url }, use),
  });
}

job("1: who takes the link now is seen while it goes on, open flows included", async (reader) => {
  const busiest = reader.panel("Busiest hosts");
  await reader.sees(busiest.locator("header"), /open flows included/);
  await reader.sees(busiest.locator("tbody tr").first(), house.downloader);
  await reader.follow(busiest.getByRole("link", { name: house.downloader }));
  await reader.sees(reader.panel("Services").locator("tbody tr").first(), /HTTP/);
  await reader.sees(reader.panel("Networks outside"), "192.0.2.0/24");
  await reader.follow(reader.page.locator("main").getByRole("link", { name: "Flows" }));
  const row = reader.page.locator("table.flows tbody tr").filter({ hasText: house.films });
  await reader.until(row.locator(".state-of"), "open");
  const received = await row.first().locator("td[data-l=received]").innerText();
  assert.match(received, /[kM]B$/);
});

job("3 and 6: the camera's open connection, where it leads, and its packets", async (reader) => {
  const row = reader.row("Busiest hosts", house.camera);
  await row.first().waitFor();
  // Hosts are written every few seconds.
  const isWritten = () =>
    reader.page.evaluate(async (address) => {
      const { hosts } = await (await fetch("/api/hosts?limit=1000")).json();
      return hosts.some((host: { address: string }) => host.address === address);
    }, house.camera);
  for (let tries = 0; tries < 60 && !await isWritten(); tries++) {
    await reader.page.waitForTimeout(500);
  }
  await reader.follow(row.getByRole("link"));
  await reader.follow(reader.link("Host"));
  const open = reader.panel("Open now").locator("tbody tr");
  await reader.until(open, house.stranger);
  assert.match(await open.first().innerText(), /9000[^]*KZ[^]*open/);
  const packets = await reader.download(reader.link("Packets as pcap"));
  assert.ok(packets.length > 10, `${packets.length} packets`);
});

job("5 and 6: flows like one that is open, and its packets", async (reader) => {
  await reader.follow(reader.link("Flows").first());
  const row = reader.page.locator("table.flows tbody tr").filter({ hasText: house.stranger });
  await reader.follow(row.first().locator("td.time a"));
  await reader.sees(reader.page.locator(".head .meta"), "open");
  await reader.sees(reader.page.getByLabel("Flow in numbers"), "so far");
  assert.ok((await reader.download(reader.link("Packets as pcap"))).length > 10);
});

job("5: flows with the same peer as one that is open", async (reader) => {
  await reader.follow(reader.link("Flows").first());
  const row = reader.page.locator("table.flows tbody tr").filter({ hasText: house.stranger });
  await reader.follow(row.first().locator("td.time a"));
  await reader.follow(reader.link("the same peer"));
  await reader.sees(reader.page.locator(".chip.on"), `host ${house.stranger}`);
  const { search } = new URL(reader.page.url());
  const flows: { orig_h: string; resp_h: string; state: string }[] = await reader.page.evaluate(
    async (path) => (await (await fetch(path)).json()).flows,
    `/api/flows${search}`,
  );
  assert.ok(flows.some(({ state }) => state === "open"), JSON.stringify(flows));
  for (const { orig_h, resp_h } of flows) {
    assert.ok([orig_h, resp_h].includes(house.stranger), JSON.stringify(flows));
  }
});

job("4: what is new says how long it learns", async (reader) => {
  await reader.follow(reader.link("What is new"));
  await reader.sees(reader.page.locator("main"), /tapwatch learns what is there/);
});

job("2: a scan appears while one looks, with its hosts, flows and packets", async (reader) => {
  lab.scan();
  const story = reader.page.getByRole("link", { name: /192\.168\.50\.15 scanned 3 hosts/ });
  await story.first().waitFor({ timeout: 60_000 });
  await reader.follow(story);
  await reader.sees(reader.page.locator("main"), house.server);
  const packets = await reader.download(reader.link("Packets as pcap"));
  assert.ok(packets.length > 50, `${packets.length} packets`);
  await reader.follow(reader.link("Open in Flows"));
  await reader.sees(reader.page.locator("table.flows tbody tr"), house.scanner);
});
