import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { SshPlain } from "./ssh_plain.ts";
import { cutTalk, SshTalk, type TalkSegment } from "./testing/ssh_talk.ts";

const banners = fc.constantFrom<readonly [string, string]>(
  ["SSH-2.0-a\r\n", "SSH-2.0-b\r\n"],
  ["SSH-2.0-a\n", "SSH-2.0-b c d\n"],
  ["SSH-1.99-x\r\n", "Hello\r\nS\nSSH\n\r\nSSH-2.0-b\r\n"],
);

Deno.test("SshPlain finds where the clear part ends, however it is cut, in any order, with copies", () => {
  fc.assert(
    fc.property(
      banners,
      fc.boolean(),
      fc.array(fc.nat(3_000), { maxLength: 6 }),
      fc.array(fc.nat(20), { minLength: 3, maxLength: 20 }),
      (lines, isClient, cuts, order) => {
        const talk = new SshTalk({ banners: lines, keys: [1200, 1100] });
        const said = cutTalk(talk.segments, cuts).filter((each) => each.isClient === isClient);
        const end = endOf(said, new SshPlain());
        strictEqual(end, endOfNewKeys(talk, isClient));
        // What is moved: each segment by less than `order` says, some twice.
        const moved = said.flatMap((segment, at) => at % 3 === 0 ? [segment, segment] : [segment])
          .map((segment, at) => ({ segment, at: at + order[at % order.length] % 5 }))
          .sort((a, b) => a.at - b.at).map(({ segment }) => segment);
        strictEqual(endOf(moved, new SshPlain()), end);
      },
    ),
    { numRuns: 300 },
  );
});

Deno.test("SshPlain goes on at the next packet where bytes were not captured", () => {
  const { segments } = new SshTalk();
  const client = segments.filter(({ isClient }) => isClient);
  for (const shown of [6, 16, 30]) {
    strictEqual(endOf(client, new SshPlain(), shown), endOfNewKeys(new SshTalk(), true));
  }
  strictEqual(endOf(client, new SshPlain(), 5), -1);
  const [end, { offset }] = [endOfNewKeys(new SshTalk(), true), client[1]];
  strictEqual(endOf(client.slice(1), new SshPlain(offset)), end, "as if inside a banner");
  const plain = new SshPlain();
  strictEqual(endOf(client.toSpliced(1, 1), plain), -1, "a packet is missing");
  plain.giveUp();
  strictEqual(plain.end, end);
  deepStrictEqual(plain.ending.map(({ offset }) => offset), client.slice(-2).map((s) => s.offset));
});

Deno.test("SshPlain keeps the segments behind the end that came before it", () => {
  const { segments } = new SshTalk();
  const client = segments.filter(({ isClient }) => isClient);
  const plain = new SshPlain();
  const [banner, init, key, last, request] = client;
  endOf([banner, init, request, last, key], plain);
  deepStrictEqual(plain.ending.map(({ offset }) => offset), [last.offset, request.offset]);
});

Deno.test("SshPlain takes any bytes, and gives up on what is no key exchange", () => {
  fc.assert(fc.property(
    fc.array(fc.tuple(fc.nat(70_000), fc.uint8Array({ maxLength: 200 })), { maxLength: 60 }),
    (pieces) => {
      const plain = new SshPlain();
      for (const [offset, captured] of pieces) {
        plain.add({ offset, length: captured.length + offset % 3, captured, acknowledged: 0 });
      }
    },
  ));
  const plain = new SshPlain();
  for (let offset = 0; offset < 200_000; offset += 1000) {
    const captured = new Uint8Array(1000).fill(0x41);
    plain.add({ offset, length: 1000, captured, acknowledged: 0 });
  }
  strictEqual(plain.isOver, true);
});

function endOf(segments: readonly TalkSegment[], plain: SshPlain, shown = Infinity): number {
  for (const { offset, bytes, acknowledged } of segments) {
    const captured = bytes.subarray(0, shown);
    plain.add({ offset, length: bytes.length, captured, acknowledged });
  }
  return plain.end;
}

function endOfNewKeys(talk: SshTalk, isClient: boolean): number {
  const plain = talk.segments.slice(0, talk.plainCount).filter((each) =>
    each.isClient === isClient
  );
  const { offset, bytes } = plain.at(-1)!;
  return offset + bytes.length - (isClient ? 0 : talk.encrypted(190).length);
}
