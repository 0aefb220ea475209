/** Five minutes on a quiet link without a page open: what tapwatch costs while nothing happens. */
import { formatMb, isQuick, type Section, size } from "./harness.ts";
import { printLive, type Sender } from "./namespaces.ts";
import { largest, type Load, settledSamples, soak, soakBlocks } from "./soak_run.ts";

const load: Load = {
  name: "a quiet link, 1 packet/s, no page open",
  packetsPerSecond: 1,
  seconds: size(300, 30),
  settledAt: 0.5,
  hasViewer: false,
};
const title = "run: a quiet link";
const promises = [
  "idle on a quiet link: at most 1 % of a core",
  "idle on a quiet link: at most 170 MB with the kernel's ring",
];

await printLive({ title, promises }, benchIdle);

async function benchIdle(sender: Sender): Promise<Section> {
  const run = await soak(sender, load);
  const bytes = largest(settledSamples(run), "rssBytes");
  const judged: readonly (readonly [string, boolean])[] = [
    [`${run.cpuPct.toFixed(2)} %`, run.cpuPct <= 1],
    [formatMb(bytes), bytes <= 170e6],
  ];
  return {
    title,
    blocks: soakBlocks([run]),
    targets: judged.map(([measured, isMet], index) => ({
      promise: promises[index]!,
      measured,
      isMet: isQuick ? null : isMet,
    })),
  };
}
