/** A quarter of an hour beside 20,000 packets/s, with a page open: the memory that it takes. */
import { formatMb, isQuick, type Section, size } from "./harness.ts";
import { printLive, type Sender } from "./namespaces.ts";
import { largest, type Load, soak, soakBlocks } from "./soak_run.ts";

const load: Load = {
  name: "20,000 packets/s",
  packetsPerSecond: 20_000,
  seconds: size(900, 30),
  settledAt: 600 / 900,
  hasViewer: true,
};
const title = "run: a quarter of an hour of a usual load";
const promise = "memory at 20,000 packets/s at most 350 MB";

await printLive({ title, promises: [promise] }, benchUsualLoad);

async function benchUsualLoad(sender: Sender): Promise<Section> {
  const run = await soak(sender, load);
  const bytes = largest(run.samples, "rssBytes");
  const isMet = isQuick ? null : bytes <= 350e6;
  return {
    title,
    blocks: soakBlocks([run]),
    targets: [{ promise, measured: `${formatMb(bytes)} at most`, isMet }],
  };
}
