import { match, strictEqual, throws } from "node:assert/strict";
import { CaptureError } from "../../ffi/capture/capture_error.ts";
import { testAsRoot } from "../../ffi/pcap/testing.ts";
import { UsageError } from "../errors.ts";
import { chooseCapture } from "./capture_method.ts";

const isLinux = Deno.build.os === "linux";

Deno.test({
  name: "chooseCapture() refuses AF_PACKET where the system has none",
  ignore: isLinux,
  fn: () => {
    throws(() => chooseCapture("afpacket"), (error) => {
      match(String((error as Error).message), /give --capture pcap/);
      return error instanceof UsageError;
    });
  },
});

testAsRoot("chooseCapture() takes libpcap where it is, unless AF_PACKET is named", () => {
  strictEqual(chooseCapture("auto").method, "pcap");
  match(chooseCapture("pcap").description, /^libpcap version/);
  strictEqual(chooseCapture("afpacket").method, "afpacket");
  match(chooseCapture("afpacket").description, /^AF_PACKET/);
});

testAsRoot("a filter that is no filter is refused with its place by AF_PACKET", () => {
  const options = {
    device: "lo",
    snaplen: 262_144,
    isPromiscuous: false,
    bufferBytes: 1 << 20,
    timeoutMs: 10,
    filter: "tcp prot 80",
    batchPacketsMax: 100,
  };
  throws(() => chooseCapture("afpacket").open(options), (error) => {
    match(String((error as Error).message), /column 5: .* in the filter "tcp prot 80"/);
    return error instanceof CaptureError && error.operation === "filter";
  });
});
