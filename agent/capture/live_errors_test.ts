import { match, ok, strictEqual } from "node:assert/strict";
import { CaptureError } from "../../ffi/capture/capture_error.ts";
import { LibraryMissingError } from "../../ffi/pcap/symbols.ts";
import type { TapwatchError } from "../errors.ts";
import { describeFailure } from "./live_errors.ts";

const context = {
  device: "eht0",
  executable: "/opt/my tools/tapwatch",
  listNames: () => ["lo", "wlan0", "eth0"],
};

function describe(error: unknown, device = context.device): TapwatchError {
  const failure = describeFailure(error, { ...context, device });
  ok(failure !== null);
  return failure;
}

Deno.test("describeFailure() names the package of a missing libpcap for each package manager", () => {
  const failure = describe(new LibraryMissingError(["libpcap.so.1"], new Error("not found")));
  strictEqual(failure.exitCode, 3);
  for (const manager of ["apt install libpcap0.8", "dnf", "pacman", "apk", "brew"]) {
    ok(failure.message.includes(manager), manager);
  }
  match(failure.message, /tried libpcap\.so\.1/);
});

Deno.test("describeFailure() says how to consent to native code", () => {
  const failure = describe(new Deno.errors.NotCapable("Requires ffi access"));
  strictEqual(failure.exitCode, 3);
  match(failure.message, /--allow-ffi/);
});

Deno.test({
  name: "describeFailure() gives the exact setcap line, quoted for the shell",
  ignore: Deno.build.os !== "linux",
  fn: () => {
    const failure = describe(new CaptureError("open", "permissionDenied", "no permission"));
    strictEqual(failure.exitCode, 3);
    ok(failure.message.includes("sudo setcap cap_net_raw=ep '/opt/my tools/tapwatch'\n"));
    match(failure.message, /with sudo/);
  },
});

Deno.test("describeFailure() lists the devices, the nearest first", () => {
  const failure = describe(new CaptureError("open", "noSuchDevice", "No such device exists"));
  strictEqual(failure.exitCode, 2);
  match(failure.message, /no capture device eht0/);
  match(failure.message, /Did you mean eth0\? Devices: eth0, /);
});

Deno.test("describeFailure() tells how to name several devices", () => {
  const missing = new CaptureError("open", "noSuchDevice", "No such device exists");
  match(describe(missing, "eth0,lo").message, /For several, name each by itself: -i eth0 -i lo\./);
  match(describe(missing, "a,b").message, /There is no capture device a,b\. Devices: /);
});

Deno.test("describeFailure() keeps libpcap's words about a filter", () => {
  const failure = describe(
    new CaptureError("filter", "other", 'syntax error in the filter "tcp prot 80"'),
  );
  strictEqual(failure.exitCode, 2);
  match(failure.message, /syntax error in the filter "tcp prot 80"/);
});

Deno.test("describeFailure() takes any other failure of libpcap as one of the run", () => {
  const failure = describe(new CaptureError("open", "other", "Cannot allocate memory"));
  strictEqual(failure.exitCode, 1);
  match(failure.message, /Cannot capture on eht0: Cannot allocate memory/);
});

Deno.test("describeFailure() leaves our own defects alone", () => {
  strictEqual(describeFailure(new TypeError("undefined is not a function"), context), null);
});
