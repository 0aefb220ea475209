/**
 * Live capture through the capture worker, by libpcap and by AF_PACKET, on devices made for the test: a veth pair whose far
 * end stands in a network namespace and is fed by tcpreplay. Needs Linux, root, libpcap, iproute2 and tcpreplay.
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { testAsRoot } from "../ffi/pcap/testing.ts";
import { CAPTURE_METHODS } from "../ffi/capture/capture_handle.ts";
import type { CaptureChoice, CaptureOptions, FatalMessage } from "../agent/messages.ts";
import { CaptureRun } from "./live_capture_run.ts";
import { makeFrames, runInNamespace, type Veth, withVeth, writePcap } from "./live_veth.ts";
import {
  missingCommands,
  missingNamespaces,
  mustRun,
  testWith,
  withoutLibpcap,
} from "./program.ts";

const missing = missingCommands("tcpreplay") || await missingNamespaces();
const test = missing === "" ? testAsRoot : testWith.bind(null, missing);

for (const method of CAPTURE_METHODS) {
  test(`${method} hands over every packet, byte by byte`, () =>
    withVeth(async (veth) => {
      const frames = makeFrames(5000);
      const capture = await CaptureRun.start({ capture: method, device: veth.device });
      await replay(veth, frames, ["--pps=20000"]);
      await capture.until(() => capture.frames.length >= frames.length);
      await capture.stop();
      deepStrictEqual(capture.frames, frames);
      const state = capture.state;
      deepStrictEqual([state.state, state.packets, state.received], ["stopped", 5000, 5000]);
      deepStrictEqual([state.kernelDrops, state.queueDrops, state.queueDepth], [0, 0, 0]);
      deepStrictEqual([...capture.linktypes], [1]);
      strictEqual(state.isPromiscuous, true);
    }));

  test(`${method} hands over what the kernel still holds when it is stopped`, () =>
    withVeth(async (veth) => {
      const frames = makeFrames(2000);
      const capture = await CaptureRun.start({
        capture: method,
        device: veth.device,
        timeoutMs: 300,
      });
      await replay(veth, frames, ["--topspeed"]);
      await capture.stop();
      strictEqual(capture.packets, frames.length);
      ok(capture.hasEnded);
    }));

  test(`${method} stops while packets keep coming`, () =>
    withVeth(async (veth) => {
      const path = await writePcap(makeFrames(1000));
      const capture = await CaptureRun.start({ capture: method, device: veth.device });
      const args = ["tcpreplay", "--topspeed", "--preload-pcap", "--loop=0", "-i", veth.far, path];
      const sender = runInNamespace(veth, args);
      await capture.until(() => capture.packets > 1000);
      await capture.stop();
      sender.kill("SIGTERM");
      await sender.status;
      await Deno.remove(path);
      strictEqual(capture.state.state, "stopped");
      ok(capture.hasEnded);
    }));

  test(`${method} drops and counts when the pipeline gives no buffer back`, () =>
    withVeth(async (veth) => {
      const frames = makeFrames(1000, 1514);
      const loops = 140;
      const sent = frames.length * loops;
      const capture = await CaptureRun.start({
        capture: method,
        device: veth.device,
        bufferBytes: 256 << 20,
      }, {
        isKeepingBuffers: true,
      });
      // At such a pace the ring has grown before it is full, on a busy machine too.
      await replay(veth, frames, ["--mbps=400", `--loop=${loops}`]);
      // On a busy machine the kernel holds more than a stop waits for.
      await capture.until(() => capture.state.packets + capture.state.kernelDrops >= sent);
      await capture.stop();
      const { packets, queueDrops, kernelDrops, queueDepth, queueMax } = capture.state;
      strictEqual(packets + kernelDrops, sent);
      ok(queueDrops > 0, "160 MiB of buffers cannot hold 212 MB");
      strictEqual(capture.packets + queueDrops, packets);
      strictEqual(queueDepth, queueMax);
    }));

  test(`${method} waits for a device that was deleted and goes on when it is back`, () =>
    withVeth(async (veth) => {
      const frames = makeFrames(50);
      const capture = await CaptureRun.start({ capture: method, device: veth.device });
      await replay(veth, frames, ["--pps=1000"]);
      await capture.until(() => capture.packets === 50);
      await veth.remove();
      await capture.until(() => capture.state.state === "retrying");
      match(capture.state.detail, /next try in \d+ s/);
      await veth.create();
      await capture.until(() => capture.state.state === "capturing");
      await replay(veth, frames, ["--pps=1000"]);
      await capture.until(() => capture.packets === 100);
      await capture.stop();
      deepStrictEqual(capture.frames, [...frames, ...frames]);
      strictEqual(capture.state.received, 100);
      strictEqual(capture.notes.length, 2);
    }));

  test(`${method} captures cooked frames on any`, () =>
    withVeth(async (veth) => {
      const frames = makeFrames(10);
      const capture = await CaptureRun.start({ capture: method, device: "any" });
      await replay(veth, frames, ["--pps=1000"]);
      // In place of the link's header: to another host, Ethernet, the sender's address, IPv4 (LINKTYPE_LINUX_SLL).
      const cooked = frames.map((frame) => `0003000100060200000000010000${frame.slice(24)}`);
      const seen = () => cooked.filter((frame) => capture.frames.includes(frame));
      await capture.until(() => seen().length === cooked.length);
      await capture.stop();
      deepStrictEqual([...capture.linktypes], [113]);
      strictEqual(capture.state.isPromiscuous, false);
    }));
}

for (const method of CAPTURE_METHODS) {
  test(`${method} filters in the kernel`, () =>
    withVeth(async (veth) => {
      const frames = makeFrames(1000);
      const capture = await CaptureRun.start({
        capture: method,
        device: veth.device,
        filter: "udp src port 1007",
      });
      await replay(veth, frames, ["--pps=20000"]);
      await capture.stop();
      deepStrictEqual(capture.frames, [frames[7]]);
      strictEqual(capture.state.received, 1);
    }));

  test(`${method} refuses a device that is not there, with the nearest name`, async () => {
    const { fatal, capture } = await startRefused({ capture: method, device: "loo" });
    strictEqual(fatal.exitCode, 2);
    match(fatal.message, /no capture device loo\. Did you mean lo\? Devices: lo, /);
    strictEqual(capture.state.state, "failed");
  });

  test(`${method} says how to get the permission that is missing`, async () => {
    const fatal = await fatalOfChild(["setpriv", "--bounding-set=-net_raw,-net_admin"], method);
    strictEqual(fatal.exitCode, 3);
    const executable = Deno.realPathSync(Deno.execPath());
    ok(fatal.message.includes(`sudo setcap cap_net_raw=ep ${executable}\n`), fatal.message);
  });

  test(`${method} captures with cap_net_raw alone`, async () => {
    const message = await messageOfChild(["setpriv", "--bounding-set=-net_admin"], method);
    strictEqual(message.type, "state");
  });
}

test("afpacket refuses a bad filter with its place", async () => {
  const { fatal } = await startRefused({
    capture: "afpacket",
    device: "lo",
    filter: "tcp prot 80",
  });
  strictEqual(fatal.exitCode, 2);
  match(fatal.message, /column 5: .*"prot".* in the filter "tcp prot 80"/);
});

test("pcap refuses a bad filter with libpcap's own words", async () => {
  const { fatal } = await startRefused({ capture: "pcap", device: "lo", filter: "port http80" });
  strictEqual(fatal.exitCode, 2);
  match(fatal.message, /http80.* in the filter "port http80"/);
});

test("where there is no libpcap, pcap says what to install and auto captures without", async () => {
  const prefix = await withoutLibpcap();
  const fatal = await fatalOfChild(prefix, "pcap");
  strictEqual(fatal.exitCode, 3);
  match(fatal.message, /apt install libpcap0\.8/);
  strictEqual((await messageOfChild(prefix, "auto")).type, "state");
});

async function replay(veth: Veth, frames: readonly string[], args: string[]): Promise<void> {
  const path = await writePcap(frames);
  const command = ["tcpreplay", "--preload-pcap", ...args, "-i", veth.far, path];
  const { success } = await runInNamespace(veth, command).status;
  await Deno.remove(path);
  ok(success, "tcpreplay failed");
}

async function startRefused(options: Partial<CaptureOptions> & { device: string }) {
  const capture = CaptureRun.begin(options);
  await capture.until(() => capture.fatal !== null);
  await capture.stop();
  ok(capture.hasEnded);
  return { fatal: capture.fatal!, capture };
}

async function fatalOfChild(
  prefix: readonly string[],
  capture: CaptureChoice,
): Promise<FatalMessage> {
  const message = await messageOfChild(prefix, capture);
  strictEqual(message.type, "fatal");
  return message as FatalMessage;
}

/** What a worker on `lo` in a process of its own, started through `prefix`, says first: "fatal" or capturing. */
async function messageOfChild(
  prefix: readonly string[],
  capture: CaptureChoice,
): Promise<{ readonly type: string }> {
  const module = new URL("./live_capture_run.ts", import.meta.url).href;
  const code = `import { CaptureRun } from "${module}";
    const capture = CaptureRun.begin({ device: "lo", capture: "${capture}" });
    await capture.until(() => capture.fatal !== null || capture.state?.state === "capturing");
    console.log(JSON.stringify(capture.fatal ?? { type: "state", state: capture.state }));
    await capture.stop();`;
  return JSON.parse(await mustRun(...prefix, Deno.execPath(), "eval", "--no-lock", code));
}
