/**
 * What a person does about a live scan, in a browser beside the sensor: it appears as one incident and is told; it is muted
 * after a preview, stays silent on a second run, and is told again after the mute is lifted.
 */
import { deepStrictEqual, doesNotMatch, match, strictEqual } from "node:assert/strict";
import type { Page } from "playwright-core";
import { openChromium } from "./chromium.ts";
import { ScanLab, sensorAddress } from "./live_scan_lab.ts";
import {
  missingForRoot,
  missingNamespaces,
  OutputText,
  Program,
  spawn,
  testWith,
  withFolder,
} from "./program.ts";

const browserPath = "/usr/bin/chromium";
const tools = ["ip", "sysctl", "nmap", "chromium"];
const test = testWith.bind(null, missingForRoot(...tools) || await missingNamespaces());

const scanner = "10.92.1.11";
const other = "10.92.1.12";
const hookPort = 9099;
const hookCode = `
Deno.serve({ hostname: "127.0.0.1", port: ${hookPort}, onListen() { console.log("ready"); } }, async (request) => {
  const { trigger, incident } = await request.json();
  console.log("told " + incident?.actor + " " + trigger);
  return new Response("taken");
});`;

interface Row {
  readonly incident_id: number;
  readonly state: string;
  readonly source: string;
}

/** Of the list of the API, as the page's own scripts read it. */
async function listed<T>(page: Page, path: string, name: string): Promise<T[]> {
  const answer = await page.evaluate(async (path) => await (await fetch(path)).json(), path);
  return (answer as Record<string, T[]>)[name]!;
}

test("a live scan is one incident, is muted from it after a preview, stays silent, and is told again once the mute is lifted", () =>
  withFolder(async (cwd) => {
    await using lab = await ScanLab.create();
    const hook = spawn([...lab.onSensor, Deno.execPath(), "eval", "--no-lock", hookCode], {});
    hook.stderr.cancel();
    const posts = new OutputText(hook.stdout);
    await posts.waitFor(/ready/);
    const inNamespace = `${cwd}/chromium`;
    await Deno.writeTextFile(
      inNamespace,
      `#!/bin/sh\nexec ${lab.onSensor.join(" ")} ${browserPath} "$@"\n`,
      { mode: 0o755 },
    );
    const options = ["run", "--allow-ffi", "--results", "r", "--alert-interval", "1"]
      .concat("--webhook", `http://127.0.0.1:${hookPort}/`);
    await using program = await Program.start(options, { cwd, prefix: lab.onSensor });
    await lab.watchFindings(program).ready();
    const browser = await openChromium(inNamespace);
    try {
      const page = await browser.newPage();
      await page.goto(`${program.url}/alerts`);
      await page.getByText("Alerts go by webhook").waitFor();

      const scan = (source: string, ports: string) =>
        lab.scan("-S", source, "-e", "tw0", "-sS", `-p${ports}`, "-Pn", sensorAddress);
      const rows = page.locator(".alerts tbody tr").filter({ hasText: `${scanner} scanned` });
      await scan(scanner, "1-30");
      await rows.filter({ hasText: /webhook \S+ sent/ }).first().waitFor();
      const incidents = await listed<{ id: number }>(
        page,
        `/api/incidents?actor=${scanner}`,
        "incidents",
      );
      strictEqual(incidents.length, 1);

      await rows.first().getByRole("link", { name: `${scanner} scanned` }).click();
      await page.waitForURL(`**/incidents/${incidents[0]!.id}`);
      await page.getByRole("link", { name: "Mute", exact: true }).click();
      const dialog = page.getByRole("dialog", { name: "Mute incidents like this" });
      strictEqual(await dialog.getByLabel("Source").inputValue(), scanner);
      strictEqual(await dialog.getByLabel("Target").inputValue(), sensorAddress);
      await dialog.getByLabel("Port").fill("");
      await dialog.getByText(/would have held back (1 of|the one)/).waitFor();
      await dialog.getByLabel("Note").fill("our scanner");
      await dialog.getByRole("button", { name: "Mute for 1 week" }).click();
      await page.getByText(/Muted until .*: our scanner/).waitFor();
      const told = () => posts.text.split(`told ${scanner} `).length - 1;
      const toldBefore = told();

      await page.goto(`${program.url}/alerts`);
      await page.locator("#mutes").getByText("our scanner").waitFor();
      await scan(scanner, "1-900");
      await rows.getByText("Held back by mute 1 (our scanner)").first().waitFor();
      await scan(other, "1-40");
      await page.locator(".alerts tbody tr").filter({ hasText: `${other} scanned` })
        .filter({ hasText: /webhook \S+ sent/ }).first().waitFor();
      const alerts = await listed<Row>(page, "/api/alerts", "alerts");
      const own = alerts.filter(({ source }) => source === scanner);
      strictEqual(told(), toldBefore, "stays silent");
      strictEqual(own.filter(({ state }) => state === "sent").length, toldBefore);
      deepStrictEqual([...new Set(own.map(({ incident_id }) => incident_id))], [incidents[0]!.id]);
      match(posts.text, new RegExp(`told ${other} opened`));

      await page.goto(`${program.url}/incidents/${incidents[0]!.id}`);
      await page.getByRole("button", { name: "Lift the mute" }).click();
      await page.getByRole("link", { name: "Mute", exact: true }).waitFor();
      await page.goto(`${program.url}/alerts`);
      await page.locator("#mutes").getByText("None.").waitFor();
      await scan(scanner, "1000-1400");
      await posts.waitFor(new RegExp(`(told ${scanner} [^]*){${toldBefore + 1}}`));
      await rows.filter({ hasText: /severity has risen|grown tenfold/ }).filter({
        hasText: /webhook \S+ sent/,
      })
        .first().waitFor();
    } finally {
      await browser.close();
      hook.kill("SIGKILL");
      await hook.status;
    }
    strictEqual(await program.stop(), 0);
    doesNotMatch(program.log, /is lost|could be stored/);
  }));
