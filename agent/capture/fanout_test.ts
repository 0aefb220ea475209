import { equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { fanoutProgram } from "./fanout.ts";
import type { Instruction } from "./filter/bpf.ts";
import { attach } from "./filter/testing/kernel.ts";
import { runProgram } from "./filter/testing/reference.ts";

const program = decode(fanoutProgram());

function decode(bytes: Uint8Array<ArrayBuffer>): Instruction[] {
  const view = new DataView(bytes.buffer);
  return Array.from({ length: bytes.length / 8 }, (_, index) => ({
    code: view.getUint16(8 * index, true),
    jt: view.getUint8(8 * index + 2),
    jf: view.getUint8(8 * index + 3),
    k: view.getUint32(8 * index + 4, true),
  }));
}

/** `protocol` and `networkAt` are what the kernel says of the frame. */
function hashOf(hex: string, protocol: number, networkAt = 14): number {
  const bytes = Uint8Array.fromHex(hex);
  return runProgram(program, bytes, { wireLength: bytes.length, protocol, networkAt });
}

const address4 = fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes) => bytes.toHex());
const address6 = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => bytes.toHex());
const head4 = "450000280001000040060000";
const fragment4 = "450000280001200540060000";
const head6 = "6000000000140640";
const link = "020000000001020000000002";

Deno.test("both directions and all fragments of a flow have one hash, tagged or not", () => {
  fc.assert(fc.property(address4, address4, (a, b) => {
    const there = hashOf(`${link}0800${head4}${a}${b}00500051`, 0x800);
    equal(hashOf(`${link}0800${head4}${b}${a}00510050`, 0x800), there);
    equal(hashOf(`${link}0800${fragment4}${a}${b}ffffffff`, 0x800), there);
    equal(hashOf(`${link}81000005 0800${head4}${b}${a}00510050`.replace(" ", ""), 0x8100), there);
    equal(hashOf(`${link}88a8000581000006${"0800"}${head4}${a}${b}`, 0x88a8), there);
    equal(hashOf(`${link}886411000007003e0021${head4}${a}${b}`, 0x8864), there);
  }));
  fc.assert(fc.property(address6, address6, (a, b) => {
    const there = hashOf(`${link}86dd${head6}${a}${b}`, 0x86dd);
    equal(hashOf(`${link}86dd${head6}${b}${a}`, 0x86dd), there);
    equal(hashOf(`${link}8100000586dd${head6}${a}${b}`, 0x8100), there);
    equal(hashOf(`${link}886411000007003e0057${head6}${a}${b}`, 0x8864), there);
  }));
});

Deno.test("hosts of a network are shared out among two and three threads about evenly; what is not IP goes to the first", () => {
  for (const count of [2, 3]) {
    const threads = new Array<number>(count).fill(0);
    for (let n = 0; n < 3000; n++) {
      const [a, b] = [
        `c0a801${(n % 250).toString(16).padStart(2, "0")}`,
        `cb00${n.toString(16).padStart(4, "0")}`,
      ];
      threads[hashOf(`${link}0800${head4}${a}${b}`, 0x800) % count]++;
    }
    for (const share of threads) ok(share > 0.8 * 3000 / count, threads.join());
  }
  equal(hashOf(`${link}08060001080006040001`, 0x806), 0);
});

if (Deno.build.os === "linux") {
  Deno.test({
    name: "the kernel takes the program",
    sanitizeResources: false,
    fn: () => equal(attach(fanoutProgram()), 0),
  });
}
