/**
 * `deno task screenshots`: the pictures of docs/ and the README, of the real program that has replayed the demo. Needs Chromium.
 * With `--all FOLDER`: of every page instead, to be looked at; docs/ stays as it is. With `--fleet`: those of the fleet alone.
 */
import type { Browser } from "playwright-core";
import { missingChromium, openChromium } from "../tests/chromium.ts";
import { pagePaths, replayed } from "../tests/every_page.ts";
import { agentAddress, agentNames, FleetLab } from "../tests/fleet_lab.ts";
import {
  demoCapture,
  missingForRoot,
  missingNamespaces,
  Program,
  withFolder,
} from "../tests/program.ts";
import { pictureOptions, takeEvery } from "./every_screenshot.ts";

const folder = new URL("../docs/", import.meta.url).pathname;
const wide = { width: 1280, height: 800 };
const phone = { width: 390, height: 844 };

interface Shot {
  /** Of `docs/NAME.png`. */
  readonly name: string;
  readonly path: string;
  readonly viewport: { readonly width: number; readonly height: number };
  readonly colorScheme: "light" | "dark";
}

if (missingChromium !== "") throw new Error(`Cannot take pictures: ${missingChromium}`);
const [form, place, ...rest] = Deno.args;
const forms = { all: form === "--all" && place !== undefined, fleet: form === "--fleet" && !place };
if (rest.length > 0 || (form !== undefined && !forms.all && !forms.fleet)) {
  throw new Error("Usage: deno task screenshots [--all FOLDER | --fleet]");
}
if (forms.all) {
  await takeEvery(place!);
} else {
  if (!forms.fleet) await withFolder(takeDemo);
  // As root on Linux, with a NATS server.
  const missing = missingForRoot("ip", "sysctl", "nmap", "nats-server") ||
    await missingNamespaces();
  if (missing === "") await withFolder(takeFleet);
  else console.error(`The pictures of a fleet are left as they are: ${missing}.`);
}

async function takeDemo(results: string): Promise<void> {
  await using program = await Program.start(
    ["replay", demoCapture, "--speed", "max", "--results", results],
  );
  await replayed(program);
  const browser = await openChromium();
  try {
    for (const shot of await shots(program)) await take(browser, program.url, shot);
  } finally {
    await browser.close();
  }
}

/** A fleet of two agents after a scan across both. */
async function takeFleet(folder: string): Promise<void> {
  await using lab = await FleetLab.create(folder);
  const hub = await lab.startHub();
  await Promise.all(agentNames.map((_, index) => lab.startAgent(index)));
  await lab.browse();
  await lab.scan("-sS", "-T4", "-p1-300", agentAddress(0), agentAddress(1));
  const incident = await untilSeenByAll(hub);
  const browser = await openChromium();
  try {
    const light = { viewport: wide, colorScheme: "light" } as const;
    const path = `/incidents/${incident}`;
    for (
      const shot of [
        { name: "fleet-overview", path: "/", ...light },
        { name: "fleet-agents", path: "/agents", ...light },
        { name: "fleet-incident", path, ...light },
        { name: "phone-fleet", path: "/", viewport: phone, colorScheme: "dark" as const },
      ]
    ) await take(browser, hub.url, shot);
  } finally {
    await browser.close();
  }
}

/** The number of the incident that all agents have evidence of. */
async function untilSeenByAll(hub: Program): Promise<number> {
  const events = await fetch(`${hub.url}/api/events`);
  for await (const _ of events.body!) {
    const { incidents } = JSON.parse(await hub.get("/api/incidents"));
    const found = incidents.find(({ agents }: { agents: unknown[] }) => agents.length === 2);
    const { flows } = JSON.parse(await hub.get("/api/flows?q=port+80"));
    if (found && flows.length >= 60) return found.id;
  }
  throw new Error("The hub has ended");
}

async function shots(program: Program): Promise<Shot[]> {
  const paths = await pagePaths(program);
  const newest = (pattern: string) => paths.get(pattern)![0]!;
  const light = { viewport: wide, colorScheme: "light" } as const;
  const dark = { viewport: phone, colorScheme: "dark" } as const;
  const hosts = JSON.parse(await program.get("/api/hosts?q=local+yes&limit=1")).hosts;
  return [
    { name: "overview", path: "/", ...light },
    { name: "incident", path: newest("/incidents/:id"), ...light },
    { name: "flows", path: "/flows", ...light },
    { name: "host", path: `/hosts/${hosts[0].address}`, ...light },
    { name: "packet", path: newest("/packets/:id"), viewport: wide, colorScheme: "dark" },
    { name: "phone-overview", path: "/", ...dark },
    { name: "phone-incident", path: newest("/incidents/:id"), ...dark },
  ];
}

async function take(browser: Browser, origin: string, shot: Shot): Promise<void> {
  const { name, path, viewport, colorScheme } = shot;
  const page = await browser.newPage({ ...pictureOptions, viewport, colorScheme });
  // Islands hold a connection open, so the network is never idle; charts are there once it is.
  const stream = page.waitForResponse((response) => response.url().includes("/api/events"));
  await page.goto(origin + path);
  await stream;
  await page.screenshot({ path: `${folder}${name}.png` });
  await page.close();
  console.error(`Wrote docs/${name}.png`);
}
