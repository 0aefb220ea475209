/**
 * Left alone: an hour beside 50,000 packets/s with a page open (its event stream, and a page each second). Resident memory, open
 * handles, drops and pages are sampled, and drawn as `docs/soak.svg`. `--seconds=300` makes it as short, for trying it out; with it
 * nothing is judged.
 */
import { formatCount, isQuick, type Section, size, type Target } from "./harness.ts";
import { printLive, type Sender } from "./namespaces.ts";
import { drawSoak } from "./soak_picture.ts";
import { growthOf, type Load, rateOf, soak, soakBlocks, type SoakRun } from "./soak_run.ts";

const asked = Number(Deno.args.find((arg) => arg.startsWith("--seconds="))?.slice(10) ?? NaN);
const isJudged = !isQuick && Number.isNaN(asked);
const long = Number.isNaN(asked) ? size(3600, 60) : asked;
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
];

await printLive({ title, promises }, benchSoak);

async function benchSoak(sender: Sender): Promise<Section> {
  const loaded = await soak(sender, full);
  if (!isQuick) {
    const picture = new URL("../docs/soak.svg", import.meta.url);
    await Deno.writeTextFile(picture, drawSoak(loaded.samples, full.name));
  }
  return { title, blocks: soakBlocks([loaded]), targets: targets(loaded) };
}

function targets(loaded: SoakRun): Target[] {
  const [memory, handles] = [growthOf(loaded, "rssBytes"), growthOf(loaded, "handles")];
  const rate = rateOf(loaded);
  const judged: readonly (readonly [string, boolean])[] = [
    [
      `memory ${percent(memory)}, handles ${percent(handles)}`,
      memory <= growthMax && handles <= growthMax,
    ],
    [
      `${formatCount(loaded.drops)} drops at ${formatCount(Math.round(rate))} packets/s`,
      loaded.drops === 0 && rate >= 0.95 * full.packetsPerSecond,
    ],
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
