/** A device that goes down, gets another MTU, another name, is deleted, and each time comes back: capture does too. */
import { ok, strictEqual } from "node:assert/strict";
import {
  missingForRoot,
  missingNamespaces,
  mustRun,
  Program,
  testWith,
  withFolder,
} from "../program.ts";
import { makeFrames, runInNamespace, type Veth, withVeth, writePcap } from "../live_veth.ts";
import { byForm, checkDatabase, checkLog, until } from "./lab.ts";

const test = testWith.bind(null, missingForRoot("ip", "tcpreplay") || await missingNamespaces());
const framesSent = 200;
const ip = (...args: string[]) => mustRun("ip", ...args);

/** Each leaves the device as it was, and says whether capture has to have noticed. */
const faults: Record<string, (veth: Veth, gone: () => Promise<void>) => Promise<void>> = {
  "goes down and up": async ({ device }, gone) => {
    await ip("link", "set", device, "down");
    await gone();
    await ip("link", "set", device, "up");
  },
  "gets another MTU and back": async ({ device }) => {
    for (const mtu of ["600", "9000", "1500"]) await ip("link", "set", device, "mtu", mtu);
  },
  "is renamed and back": async ({ device }, gone) => {
    await ip("link", "set", device, "down");
    await ip("link", "set", device, "name", `${device}z`);
    await gone();
    await ip("link", "set", `${device}z`, "name", device);
    await ip("link", "set", device, "up");
  },
  "is deleted and made again": async (veth, gone) => {
    await veth.remove();
    await gone();
    await veth.create();
  },
};

test("a device that goes down, is renamed, deleted or changed is captured again when it is back", () =>
  withVeth((veth) =>
    withFolder(async (folder) => {
      const pcap = await writePcap(makeFrames(framesSent, 200));
      const results = `${folder}/r`;
      await using program = await Program.start(
        ["run", "--allow-ffi", "-i", veth.device, "--results", results],
      );
      const up = () => program.metric(`tapwatch_capture_up{interface="${veth.device}"}`);
      const seen = () => program.metric("tapwatch_packets_total");
      const send = async () => {
        const before = await seen();
        const sender = runInNamespace(veth, ["tcpreplay", "--pps=2000", "-i", veth.far, pcap]);
        await sender.status;
        await until("the packets", async () => await seen() >= before + framesSent);
      };
      await until("capture", async () => await up() === 1);
      await send();
      for (let round = 0; round < byForm(1, 20); round++) {
        for (const [name, happen] of Object.entries(faults)) {
          await happen(veth, () => until(`${name}: told`, async () => await up() === 0));
          await until(`${name}: over`, async () => await up() === 1);
          await send();
        }
      }
      const expected = framesSent * (1 + 4 * byForm(1, 20));
      ok(await seen() >= expected, `${await seen()} of ${expected}`);
      strictEqual(await program.metric("tapwatch_worker_restarts_total"), 0);
      strictEqual(await program.stop(), 0);
      checkLog(program.log);
      checkDatabase(results);
      await Deno.remove(pcap);
    })
  ));
