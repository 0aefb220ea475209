/**
 * What pages cost a browser: how soon they are drawn and how still they stand, and what the live updates of each second take of a
 * processor, of memory and of nodes. A minute for each page that lives; `--full` is an hour of the overview.
 */
import type { Browser, CDPSession } from "playwright-core";
import { createDashboard } from "../dashboard.ts";
import { missingChromium, openChromium } from "../tests/chromium.ts";
import {
  fillDatabase,
  makePackets,
  makeSecond,
  makeSnapshot,
  nowUs,
  openFixture,
  startTraffic,
} from "../tests/dashboard_fixture.ts";
import { readyDetection, storeFindings } from "../tests/finding_fixture.ts";
import { formatCount, median, printSection, size, table } from "./harness.ts";

const isFull = Deno.args.includes("--full");
const livePages = isFull ? ["/"] : ["/", "/?range=24h", "/packets", "/status", "/incidents"];
const drawnPages = ["/", "/flows", "/packets", "/hosts", "/incidents", "/scans", "/anomalies"]
  .concat("/alerts", "/status");
const liveS = isFull ? 3600 : size(60, 15);
/** Before the count begins: charts are loaded, code is compiled. */
const warmS = size(20, 5);
const rounds = size(5, 2);
const limits = { processorPct: 5, paintMs: 1000, shift: 0.01, nodesPct: 2, heapMb: 3 };

if (missingChromium !== "") throw new Error(`Cannot measure pages: ${missingChromium}`);
const fixture = await openFixture();
fillDatabase(fixture, makePackets(200));
storeFindings(fixture);
startTraffic(fixture.live);
// Else it is told after some seconds that nothing was looked for, which moves what stands below.
fixture.live.detectionOwn = readyDetection;
const dashboard = createDashboard(fixture.context);
const server = Deno.serve(
  { hostname: "127.0.0.1", port: 0, onListen() {} },
  dashboard.handler,
);
const origin = `http://127.0.0.1:${server.addr.port}`;
let ticks = 0;
const timer = setInterval(() => {
  ticks++;
  const second = makeSecond(nowUs(), ticks);
  fixture.live.setSnapshot(makeSnapshot({ packets: 81_234 + 4000 * ticks }), [second]);
}, 1000);

interface Drawn {
  readonly path: string;
  readonly paintMs: number;
  readonly shift: number;
}
interface Lived {
  readonly path: string;
  readonly processorPct: number;
  readonly nodesBefore: number;
  readonly nodesAfter: number;
  readonly heapBefore: number;
  readonly heapAfter: number;
}

const browser = await openChromium();
const drawn: Drawn[] = [];
const lived: Lived[] = [];
try {
  for (const path of drawnPages) drawn.push(await drawPage(browser, path));
  for (const path of livePages) lived.push(await liveOn(browser, path));
} finally {
  clearInterval(timer);
  await browser.close();
  dashboard.closeStreams();
  await server.shutdown();
  await fixture.close();
}

/** Largest paint, the median of fresh loads, and the worst shift of what stands. */
async function drawPage(browser: Browser, path: string): Promise<Drawn> {
  const paints: number[] = [];
  const shifts: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    await page.addInitScript(() => {
      const seen = { paintMs: 0, shift: 0 };
      Object.assign(globalThis, { seen });
      new PerformanceObserver((list) => {
        seen.paintMs = list.getEntries().at(-1)!.startTime;
      }).observe({ type: "largest-contentful-paint", buffered: true });
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) {
          seen.shift += (entry as PerformanceEntry & { value: number }).value;
        }
      }).observe({ type: "layout-shift", buffered: true });
    });
    await page.goto(origin + path);
    await pause(3000);
    const { paintMs, shift } = await page.evaluate(() =>
      (globalThis as unknown as { seen: { paintMs: number; shift: number } }).seen
    );
    paints.push(paintMs);
    shifts.push(shift);
    await page.close();
  }
  console.error(`${path}: painted in ${median(paints).toFixed(0)} ms`);
  return { path, paintMs: median(paints), shift: Math.max(...shifts) };
}

/** What the page's process takes while it lives. */
async function liveOn(browser: Browser, path: string): Promise<Lived> {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  const stream = page.waitForResponse((response) => response.url().includes("/api/events"));
  await page.goto(origin + path);
  await stream;
  await pause(warmS * 1000);
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable");
  const before = await measure(browser, session);
  const beganMs = performance.now();
  await pause(liveS * 1000);
  // Before the second count of the heap, which collects it.
  const usedS = await rendererSeconds(browser) - before.seconds;
  const seconds = (performance.now() - beganMs) / 1000;
  const after = await measure(browser, session);
  await page.close();
  console.error(`${path}: ${(100 * usedS / seconds).toFixed(1)} % of a processor`);
  return {
    path,
    processorPct: 100 * usedS / seconds,
    ...{ nodesBefore: before.nodes, nodesAfter: after.nodes },
    ...{ heapBefore: before.heap, heapAfter: after.heap },
  };
}

async function measure(browser: Browser, session: CDPSession) {
  await session.send("HeapProfiler.collectGarbage");
  const { metrics } = await session.send("Performance.getMetrics");
  const of = (name: string) => metrics.find((metric) => metric.name === name)!.value;
  return {
    seconds: await rendererSeconds(browser),
    nodes: of("Nodes"),
    heap: of("JSHeapUsedSize"),
  };
}

/** Processor seconds of all processes that draw pages; there is one page. */
async function rendererSeconds(browser: Browser): Promise<number> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  await session.detach();
  return processInfo.filter(({ type }) => type === "renderer")
    .reduce((sum, { cpuTime }) => sum + cpuTime, 0);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

const growth = ({ nodesBefore, nodesAfter }: Lived) => 100 * (nodesAfter / nodesBefore - 1);
const heapGrowth = ({ heapBefore, heapAfter }: Lived) => (heapAfter - heapBefore) / 1e6;
const most = <Row>(rows: readonly Row[], of: (row: Row) => number) => Math.max(...rows.map(of));
const dearest = most(lived, ({ processorPct }) => processorPct);
const latest = most(drawn, ({ paintMs }) => paintMs);
const shift = most(drawn, ({ shift }) => shift);
printSection({
  title: "browser: pages drawn and alive",
  blocks: [
    `Chromium ${browser.version()}, headless, 1440 × 900, on loopback. Drawn: ${rounds} loads each, the median of the largest paint, the worst shift. ` +
    `Alive: ${
      formatCount(liveS)
    } s of one update a second each; processor time is that of the processes that draw, the heap is counted after a collection.`,
    table(
      ["page", "largest paint", "shift"],
      drawn.map(({ path, paintMs, shift }) => [path, `${paintMs.toFixed(0)} ms`, shift.toFixed(4)]),
    ),
    table(
      ["page", "of a processor", "nodes before", "after", "heap before", "after"],
      lived.map((row) => [
        row.path,
        `${row.processorPct.toFixed(1)} %`,
        ...[row.nodesBefore, row.nodesAfter].map(formatCount),
        ...[row.heapBefore, row.heapAfter].map((bytes) => `${(bytes / 1e6).toFixed(1)} MB`),
      ]),
    ),
  ],
  targets: [
    {
      promise: `updates of each second at most ${limits.processorPct} % of a core`,
      measured: `${dearest.toFixed(1)} %`,
      isMet: dearest <= limits.processorPct,
    },
    {
      promise: `nodes and memory of a live page stay as they are`,
      measured: `${most(lived, growth).toFixed(1)} % more nodes, ${
        most(lived, heapGrowth).toFixed(1)
      } MB more heap`,
      isMet: most(lived, growth) <= limits.nodesPct && most(lived, heapGrowth) <= limits.heapMb,
    },
    {
      promise: `largest paint within ${limits.paintMs} ms, layout shift at most ${limits.shift}`,
      measured: `${latest.toFixed(0)} ms, ${shift.toFixed(4)}`,
      isMet: latest <= limits.paintMs && shift <= limits.shift,
    },
  ],
});
