import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { CaptureError } from "../../ffi/capture/capture_error.ts";
import type { Pcap } from "../../ffi/pcap/pcap.ts";
import type { CaptureOptions } from "../messages.ts";
import { openDevice } from "./live_open.ts";

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
