import { deepStrictEqual, rejects, strictEqual, throws } from "node:assert/strict";
import { CaptureError } from "../../ffi/capture/capture_error.ts";
import type {
  HandleOptions,
  PacketGroup,
  SharingHandle,
} from "../../ffi/capture/capture_handle.ts";
import type { Pcap } from "../../ffi/pcap/pcap.ts";
import type { CaptureOptions } from "../messages.ts";
import { openCapture, openDevice } from "./live_open.ts";
import { smallRingBytes } from "./ring_need.ts";

const options: CaptureOptions = {
  interfaceId: 0,
  device: "eth0",
  capture: "auto",
  filter: "",
  snaplen: 65535,
  isPromiscuous: true,
  bufferBytes: 1 << 20,
  batchPacketsMax: 100,
  timeoutMs: 100,
};

/** Records what was asked for; refuses with `refusal` when promiscuous mode is. */
function opener(refusal: CaptureError) {
  const asked: boolean[] = [];
  const open = ({ isPromiscuous }: { isPromiscuous: boolean }) => {
    asked.push(isPromiscuous);
    if (isPromiscuous) throw refusal;
    return { isPromiscuous } as Pcap;
  };
  return { asked, open };
}

Deno.test("openDevice() goes on without promiscuous mode where only that is refused", () => {
  const { asked, open } = opener(new CaptureError("open", "promiscuousDenied", "refused"));
  strictEqual(openDevice(options, open).isPromiscuous, false);
  deepStrictEqual(asked, [true, false]);
});

Deno.test("openDevice() does not try again after any other refusal", () => {
  const refusal = new CaptureError("open", "permissionDenied", "refused");
  const { asked, open } = opener(refusal);
  throws(() => openDevice(options, open), refusal);
  deepStrictEqual(asked, [true]);
});

/** Opens as `changes` say on a system that refuses groups with `refusal`; what each try asked for, and what it came to. */
function capture(
  changes: Partial<CaptureOptions>,
  refusal: CaptureError | null = null,
  inJoin = false,
) {
  const asked: { bufferBytes: number; groupId?: number | null; isClosed?: true }[] = [];
  const open = ({ bufferBytes, joins = false }: HandleOptions) => {
    const one: typeof asked[number] = { bufferBytes };
    asked.push(one);
    if (joins && refusal !== null && !inJoin) throw refusal;
    const join = ({ id }: PacketGroup) => {
      one.groupId = id;
      return refusal === null ? Promise.resolve() : Promise.reject(refusal);
    };
    const close = () => {
      one.isClosed = true;
      return Promise.resolve();
    };
    return { bufferBytes, join, close } as unknown as SharingHandle;
  };
  const opening = () =>
    openCapture({ ...options, bufferBytes: wholeBytes, ...changes }, open, () => {});
  return { asked, opening };
}

const wholeBytes = 4 * smallRingBytes;

Deno.test({
  name: "openCapture() begins with the whole ring in a group where it is larger than the small one",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const { asked, opening } = capture({});
    await opening();
    deepStrictEqual(asked, [{ bufferBytes: wholeBytes, groupId: null }]);
  },
});

Deno.test("openCapture() opens one that stays as it is where nothing is to be gained, or it would be waited for too long", async () => {
  for (const changes of [{ bufferBytes: smallRingBytes }, { timeoutMs: 49 }, { timeoutMs: 1001 }]) {
    const { asked, opening } = capture(changes);
    await opening();
    deepStrictEqual(asked, [{ bufferBytes: changes.bufferBytes ?? wholeBytes }]);
  }
});

Deno.test("openCapture() joins the threads that share a device", async () => {
  const { asked, opening } = capture({ share: { id: 7, count: 2 } });
  await opening();
  deepStrictEqual(asked, [{ bufferBytes: wholeBytes, groupId: 7 }]);
});

Deno.test({
  name: "openCapture() opens the whole ring of what knows no groups, and says any other refusal",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    for (const fault of ["other", "noSuchDevice"] as const) {
      for (const inJoin of [false, true]) {
        const refusal = new CaptureError("open", fault, "no groups");
        const { asked, opening } = capture({}, refusal, inJoin);
        await opening();
        const inGroup = inJoin ? { groupId: null, isClosed: true } : {};
        const whole = { bufferBytes: wholeBytes };
        // There may be no memory for the whole one, which looks the same.
        const small = fault === "other" ? [{ bufferBytes: smallRingBytes, ...inGroup }] : [];
        deepStrictEqual(asked, [{ ...whole, ...inGroup }, ...small, whole]);
      }
    }
    const refusals = [
      new CaptureError("open", "permissionDenied", "refused"),
      new CaptureError("filter", "other", "no filter"),
    ];
    for (const refusal of refusals) {
      const { asked, opening } = capture({}, refusal);
      await rejects(opening, refusal);
      deepStrictEqual(asked.length, 1);
    }
  },
});
