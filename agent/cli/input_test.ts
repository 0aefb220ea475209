import { strictEqual } from "node:assert/strict";
import { loopbackNote } from "./input.ts";

const device = (name: string, isLoopback = false) => ({ name, isLoopback });
const linux = [device("eth0"), device("any"), device("lo", true)];
const note =
  "Loopback is not watched: what this host sends to itself, to whichever of its addresses, is not " +
  "seen. To see it, start tapwatch with";

const cases = [
  [["eth0"], linux, `${note} -i eth0 -i lo, or with -i any.`],
  [["eth0", "wlan0"], linux, `${note} -i eth0 -i wlan0 -i lo, or with -i any.`],
  [["en0"], [device("en0"), device("lo0", true)], `${note} -i en0 -i lo0.`],
  [["any"], linux, ""],
  [["lo"], linux, ""],
  [["eth0", "lo"], linux, ""],
  [["eth0"], [device("eth0")], ""],
] as const;

for (const [chosen, devices, expected] of cases) {
  Deno.test(`loopbackNote() of ${chosen.join(", ")}`, () => {
    strictEqual(loopbackNote(chosen, devices), expected);
  });
}
