/**
 * `deno task screenshots`: the pictures of docs/ and the README, of the real program that has replayed the demo. Needs Chromium.
 * With `--all FOLDER`: of every page instead, to be looked at; docs/ stays as it is. With `--fleet` or `--processes`: those alone.
 * `--at ORIGIN PATH NAME` takes one picture; a lab runs it where its program listens.
 */
import type { Browser } from "playwright-core";
import { missingChromium, openChromium } from "../tests/chromium.ts";
import { pagePaths, replayed } from "../tests/every_page.ts";
import { agentAddress, agentNames, FleetLab } from "../tests/fleet_lab.ts";
import { until } from "../tests/faults/lab.ts";
import { peerAddress, ProcessLab } from "../tests/process_lab.ts";
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
const [form, ...rest] = Deno.args;
const forms: Record<string, { readonly words: number; readonly take: () => Promise<void> }> = {
  "--all": { words: 1, take: () => takeEvery(rest[0]!) },
  "--at": { words: 3, take: () => takeOne(rest[0]!, { path: rest[1]!, name: rest[2]! }) },
  "--fleet": { words: 0, take: () => inLab("a fleet", ["nmap", "nats-server"], takeFleet) },
  "--processes": { words: 0, take: () => inLab("processes", ["nmap", "setpriv"], takeProcesses) },
};
if (form === undefined) {
  await withFolder(takeDemo);
  await forms["--fleet"]!.take();
  await forms["--processes"]!.take();
} else if (forms[form]?.words === rest.length) {
  await forms[form].take();
} else {
  throw new Error("Usage: deno task screenshots [--all FOLDER | --fleet | --processes]");
}

/** As root on Linux, with these programs. */
async function inLab(
  what: string,
  programs: readonly string[],
  take: (folder: string) => Promise<void>,
): Promise<void> {
  const missing = missingForRoot("ip", "sysctl", ...programs) || await missingNamespaces();
  if (missing === "") await withFolder(take);
  else console.error(`The pictures of ${what} are left as they are: ${missing}.`);
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

/** A scan by a user of this host, whose process is named. */
async function takeProcesses(folder: string): Promise<void> {
  await using lab = await ProcessLab.create();
  const args = ["run", "--allow-ffi", "-i", "tw0", "--results", "r"];
  await using program = await Program.start(args, { cwd: folder, prefix: lab.on("sensor") });
  await program.logged(/Capturing on tw0/);
  const read = (path: string) => lab.run("sensor", "curl", "-sS", program.url + path);
  await until("the kernel", async () => (await read("/status")).includes("says who begins them"));
  const asNobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
  await lab.run("sensor", ...asNobody, "nmap", "-n", "-Pn", "-sT", "-p1-300", peerAddress);
  let incident: { readonly id: number; readonly process: string } | undefined;
  await until("an incident of nmap", async () => {
    [incident] = JSON.parse(await read("/api/incidents")).incidents;
    return incident?.process === "nmap";
  });
  const script = new URL(import.meta.url).pathname;
  const lock = new URL("../deno.lock", import.meta.url).pathname;
  const deno = [Deno.execPath(), "run", "-A", "--frozen", `--lock=${lock}`, script];
  await lab.run("sensor", ...deno, "--at", program.url, `/incidents/${incident!.id}`, "processes");
}

async function takeOne(
  origin: string,
  shot: { readonly path: string; readonly name: string },
): Promise<void> {
  const browser = await openChromium();
  try {
    await take(browser, origin, { ...shot, viewport: wide, colorScheme: "light" });
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
