/**
 * Left alone: an hour beside 50,000 packets/s with a page open (its event stream, and a page each second), and some minutes on a
 * quiet link. Resident memory, open handles, drops and pages are sampled; of the long run they are drawn as `docs/soak.svg`.
 * `--seconds=300` makes the long run as short, for trying it out; with it nothing is judged.
 */
import { formatCount, formatMb, isQuick, type Section, size, type Target } from "./harness.ts";
import { printLive, type Sender } from "./namespaces.ts";
import { drawSoak } from "./soak_picture.ts";
import {
  growthOf,
  largest,
  type Load,
  rateOf,
  settledSamples,
  soak,
  soakBlocks,
  type SoakRun,
} from "./soak_run.ts";

const asked = Number(Deno.args.find((arg) => arg.startsWith("--seconds="))?.slice(10) ?? NaN);
const isJudged = !isQuick && Number.isNaN(asked);
const long = Number.isNaN(asked) ? size(3600, 60) : asked;
const quiet: Load = {
  name: "a quiet link, 1 packet/s, no page open",
  packetsPerSecond: 1,
  seconds: Math.min(long, size(300, 30)),
  settledAt: 0.5,
  hasViewer: false,
};
const full: Load = {
  name: "50,000 packets/s",
  packetsPerSecond: 50_000,
  seconds: long,
  settledAt: 600 / 3600,
  hasViewer: true,
};
/** Memory and handles may have grown so much. */
const growthMax = 1.05;
const title = "run: an hour of load";
const promises = [
  "memory and handles flat after ten minutes of an hour at 50,000 packets/s",
  "nothing lost in an hour at 50,000 packets/s",
  "idle on a quiet link: at most 1 % of a core",
  "idle on a quiet link: at most 170 MB with the kernel's ring",
];

await printLive({ title, promises }, benchSoak);

async function benchSoak(sender: Sender): Promise<Section> {
  const idle = await soak(sender, quiet);
  const loaded = await soak(sender, full);
  if (!isQuick) {
    const picture = new URL("../docs/soak.svg", import.meta.url);
    await Deno.writeTextFile(picture, drawSoak(loaded.samples, full.name));
  }
  return { title, blocks: soakBlocks([idle, loaded]), targets: targets(idle, loaded) };
}

function targets(idle: SoakRun, loaded: SoakRun): Target[] {
  const [memory, handles] = [growthOf(loaded, "rssBytes"), growthOf(loaded, "handles")];
  const rate = rateOf(loaded);
  const idleBytes = largest(settledSamples(idle), "rssBytes");
  const judged: readonly (readonly [string, boolean])[] = [
    [
      `memory ${percent(memory)}, handles ${percent(handles)}`,
      memory <= growthMax && handles <= growthMax,
    ],
    [
      `${formatCount(loaded.drops)} drops at ${formatCount(Math.round(rate))} packets/s`,
      loaded.drops === 0 && rate >= 0.95 * full.packetsPerSecond,
    ],
    [`${idle.cpuPct.toFixed(2)} %`, idle.cpuPct <= 1],
    [formatMb(idleBytes), idleBytes <= 170e6],
  ];
  return judged.map(([measured, isMet], index) => ({
    promise: promises[index]!,
    measured,
    isMet: isJudged ? isMet : null,
  }));
}

function percent(factor: number): string {
  const change = (factor - 1) * 100;
  return `${change < 0 ? "" : "+"}${change.toFixed(1)} %`;
}
