/** Pictures of every page, to be looked at: wide and phone, light and dark; FOLDER/PAGE-WIDTH-COLOURS.png, as those of the design. */
import type { Browser } from "playwright-core";
import { makeMmdb } from "../agent/geo/testing.ts";
import type { Dashboard } from "../dashboard.ts";
import { sizes } from "../tests/axe.ts";
import { openChromium } from "../tests/chromium.ts";
import { makeSource } from "../tests/dashboard_fixture.ts";
import { withSite, withTraffic } from "../tests/dashboard_site.ts";
import { pagePaths, replayed } from "../tests/every_page.ts";
import { withFleet } from "../tests/fleet_fixture.ts";
import { demoCapture, Program, withFolder } from "../tests/program.ts";
import { weekCapture } from "../tests/week_capture.ts";

/** What every picture has in common. */
export const pictureOptions = {
  reducedMotion: "reduce",
  timezoneId: "UTC",
  locale: "en-GB",
} as const;

const colorSchemes = ["light", "dark"] as const;

/** A path by the name of its pictures. */
type Pages = Readonly<Record<string, string>>;

export async function takeEvery(folder: string): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const browser = await openChromium();
  const take = (origin: string, pages: Pages) => takeAll(browser, folder, origin, pages);
  try {
    await withFolder((place) => takeWeek(place, take));
    await withFolder((place) => takeDemo(place, take));
    await withSite({}, async ({ dashboard, live }) => {
      live.setSource(makeSource({ packets: 0, received: 0 }));
      const names = ["flows", "packets", "hosts", "incidents", "alerts", "status"];
      const lists = names.map((name) => [`first-run-${name}`, `/${name}`]);
      await served(dashboard, take, { "first-run": "/", ...Object.fromEntries(lists) });
    });
    await withTraffic(async ({ dashboard, live }) => {
      live.store = { ...live.store, state: "retrying", rowsLost: 1200, detail: "disk I/O error" };
      await served(dashboard, take, { "store-trouble": "/", "store-trouble-status": "/status" });
    });
    await withSite({}, async ({ dashboard, live, folder }) => {
      await Deno.writeTextFile(`${folder}/packet_logs.db`, "no database at all ".repeat(1000));
      live.setSource(makeSource());
      await served(dashboard, take, {
        "store-unreadable": "/",
        "store-unreadable-flows": "/flows",
      });
    });
    await withSite(
      { password: "correct horse" },
      ({ dashboard }) => served(dashboard, take, { login: "/login" }),
    );
    await withFleet({}, ({ dashboard }) => served(dashboard, take, hubPages));
  } finally {
    await browser.close();
  }
}

const hubPages: Pages = {
  "hub": "/",
  "hub-agents": "/agents",
  "hub-agent": "/agents/1",
  "hub-agent-trouble": "/agents/9",
  "hub-incidents": "/incidents",
  "hub-incident": "/incidents/1",
  "hub-scan": "/scans/1",
  "hub-flows": "/flows?agent=web-02",
  "hub-flow": "/flows/1",
  "hub-hosts": "/hosts",
  "hub-host": "/hosts/10.0.0.1",
  "hub-packets": "/packets",
  "hub-status": "/status",
};

/** Nine days with all that is asked about (jobs_test.ts); each page of it. */
async function takeWeek(place: string, take: Take): Promise<void> {
  await Deno.writeFile(`${place}/week.pcap`, weekCapture());
  const places = makeMmdb([
    ["203.0.113.0/24", { country: { iso_code: "SE" } }],
    ["198.51.100.0/24", { country: { iso_code: "KZ" } }],
  ]);
  await Deno.writeFile(`${place}/places.mmdb`, places);
  await using program = await Program.start(
    ["replay", "week.pcap", "--speed", "max", "--results", "r", "--geo-db", "places.mmdb"],
    { cwd: place, env: { TZ: "UTC" } },
  );
  await replayed(program);
  const paths = await pagePaths(program);
  // Without a password it leads to the overview.
  paths.delete("/login");
  const pages = Object.fromEntries(
    [...paths].flatMap(([pattern, paths]) =>
      paths.map((path, index) => [nameOf(pattern, index), path])
    ),
  );
  await take(program.url, {
    ...pages,
    "overview-week": "/?range=7d",
    "overview-compared": "/?range=24h&compare=week",
    "overview-host": "/?range=24h&q=host+192.168.7.57",
    "search": "/flows?q=host+192.168.7.57+and+port+443",
    "search-refused": "/flows?q=hots+1",
    "search-empty": "/flows?q=host+192.0.2.200",
  });
}

/** A day of a busy network, and the findings that the week has not. */
async function takeDemo(place: string, take: Take): Promise<void> {
  await using program = await Program.start(
    ["replay", demoCapture, "--speed", "max", "--results", place],
    { env: { TZ: "UTC" } },
  );
  await replayed(program);
  const paths = await pagePaths(program);
  const pages = ["/", "/incidents", "/anomalies", "/packets", "/alerts"].map((path) =>
    [path, [path]] as const
  );
  const found = ["/incidents/:id", "/scans/:id", "/anomalies/:id"].map((pattern) =>
    [pattern, paths.get(pattern)!] as const
  );
  await take(
    program.url,
    Object.fromEntries(
      [...pages, ...found].flatMap(([pattern, paths]) =>
        paths.map((path, index) => [`demo-${nameOf(pattern, index)}`, path])
      ),
    ),
  );
}

/** "/flows/:id" is "flow", and its second one "flow-2"; "/mutes/new" is "mutes-new". */
function nameOf(pattern: string, index: number): string {
  const name = pattern === "/" ? "overview" : pattern.replace(/^\//, "").replaceAll("/", "-");
  const one = name.replace(/ies-:\w+$/, "y").replace(/s-:\w+$/, "");
  return index === 0 ? one : `${one}-${index + 1}`;
}

type Take = (origin: string, pages: Pages) => Promise<void>;

async function served(dashboard: Dashboard, take: Take, pages: Pages): Promise<void> {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    dashboard.handler,
  );
  try {
    await take(`http://127.0.0.1:${server.addr.port}`, pages);
  } finally {
    dashboard.closeStreams();
    await server.shutdown();
  }
}

async function takeAll(
  browser: Browser,
  folder: string,
  origin: string,
  pages: Pages,
): Promise<void> {
  for (const viewport of Object.values(sizes)) {
    const hasTouch = viewport === sizes.phone;
    const context = await browser.newContext({ ...pictureOptions, viewport, hasTouch });
    const page = await context.newPage();
    for (const [name, path] of Object.entries(pages)) {
      await page.goto(origin + path);
      // Charts are drawn by their islands.
      await page.waitForFunction(chartsAreDrawn);
      // A viewport as high as the page, so that what is fixed to its end stays there.
      const height = await page.evaluate(() => document.documentElement.scrollHeight);
      await page.setViewportSize({ ...viewport, height: Math.max(height, viewport.height) });
      for (const colorScheme of colorSchemes) {
        await page.emulateMedia({ colorScheme });
        const file = `${folder}/${name}-${viewport.width}-${colorScheme}.png`;
        await page.screenshot({ path: file });
      }
      await page.setViewportSize(viewport);
    }
    await context.close();
  }
  console.error(`Wrote pictures of ${Object.keys(pages).join(", ")}`);
}

/** Runs in the page. */
function chartsAreDrawn(): boolean {
  // An empty .tw-chart-draw is not visible: what the server drew stands there.
  return [...document.querySelectorAll(".tw-chart:not(.none)")]
    .every((chart) =>
      !chart.checkVisibility() || chart.querySelector(".tw-chart-draw svg") !== null
    );
}
