import { deepStrictEqual, notStrictEqual, strictEqual } from "node:assert/strict";
import type { PipelineToDetect } from "../messages.ts";
import { ObservationOutlet } from "./observation_outlet.ts";

/** An outlet joined to a detect worker that gives a buffer back when told. */
function joined(isPatient: boolean) {
  const { port1, port2 } = new MessageChannel();
  const received: PipelineToDetect[] = [];
  const rooms: (() => void)[] = [];
  const arrivals: (() => void)[] = [];
  port2.onmessage = (event: MessageEvent<PipelineToDetect>) => {
    received.push(event.data);
    arrivals.shift()?.();
  };
  const outlet = new ObservationOutlet({ isPatient, onRoom: () => rooms.shift()?.() });
  outlet.join(port1);
  return {
    outlet,
    received,
    arrived: () => new Promise<void>((resolve) => arrivals.push(resolve)),
    giveBack: (words: Int32Array<ArrayBuffer>) => {
      const room = new Promise<void>((resolve) => rooms.push(resolve));
      port2.postMessage({ type: "return", words }, [words.buffer]);
      return room;
    },
    giveBackLate: (words: Int32Array<ArrayBuffer>) => port2.postMessage({ type: "return", words }),
    close: () => {
      port1.close();
      port2.close();
    },
  };
}

function oneRow(): Int32Array<ArrayBuffer> {
  return Int32Array.of(1 << 16);
}

Deno.test("ObservationOutlet asks to be joined when there is something to send", () => {
  const { port1, port2 } = new MessageChannel();
  let asked = 0;
  const outlet: ObservationOutlet = new ObservationOutlet({
    isPatient: true,
    onRoom: () => {},
    onUnjoined: () => {
      asked++;
      outlet.join(port1);
    },
  });
  strictEqual(asked, 0);
  notStrictEqual(outlet.exchange(oneRow(), 1, 1), null);
  notStrictEqual(outlet.exchange(oneRow(), 1, 1), null);
  strictEqual(asked, 1);
  port1.close();
  port2.close();
});

Deno.test("ObservationOutlet counts what was under way to a detect worker that crashed", () => {
  const { outlet, close } = joined(false);
  outlet.exchange(oneRow(), 1, 1);
  outlet.exchange(Int32Array.of(1 << 16, 2 << 16, 0), 3, 2);
  const { port1, port2 } = new MessageChannel();
  outlet.join(port1);
  strictEqual(outlet.lostCount, 3);
  port1.close();
  port2.close();
  close();
});

Deno.test("ObservationOutlet sends what was written and uses a buffer again that has come back", async () => {
  const { outlet, received, arrived, giveBack, close } = joined(false);
  const words = Int32Array.of(2 << 16, 8, 9);
  const hasArrived = arrived();
  const next = outlet.exchange(words, 2, 1)!;
  strictEqual(words.length, 0, "the buffer was transferred");
  await hasArrived;
  const message = received[0];
  if (message.type !== "observations") throw new TypeError(message.type);
  strictEqual(message.length, 2);
  strictEqual(message.words.join(), "131072,8,9");
  await giveBack(message.words);
  strictEqual(outlet.exchange(next, 0, 0)!.join(), "131072,8,9");
  close();
});

Deno.test("ObservationOutlet of a live capture has no room when too much is under way", () => {
  const { outlet, close } = joined(false);
  let sent = 0;
  while (outlet.exchange(oneRow(), 1, 1) !== null) sent++;
  strictEqual(sent, 32);
  strictEqual(outlet.hasRoom, false);
  const kept = oneRow();
  strictEqual(outlet.exchange(kept, 1, 1), null);
  strictEqual(kept.length, 1, "the buffer stays the caller's");
  outlet.beginEnd();
  strictEqual(outlet.exchange(kept, 1, 1) !== null, true, "what is left at the end is sent");
  close();
});

Deno.test("ObservationOutlet of a file takes everything and says when to wait", () => {
  const { outlet, close } = joined(true);
  for (let i = 0; i < 100; i++) outlet.exchange(oneRow(), 1, 1);
  strictEqual(outlet.hasRoom, false);
  close();
});

Deno.test("a patient outlet has no room before anybody takes what it has, so that a file waits", () => {
  const patient = new ObservationOutlet({ isPatient: true, onRoom: () => {} });
  const live = new ObservationOutlet({ isPatient: false, onRoom: () => {} });
  const joining = new ObservationOutlet({
    isPatient: true,
    onRoom: () => {},
    onUnjoined: () => {},
  });
  deepStrictEqual([patient.hasRoom, live.hasRoom, joining.hasRoom], [false, true, true]);
  const { port1, port2 } = new MessageChannel();
  patient.join(port1);
  strictEqual(patient.hasRoom, true);
  port1.close();
  port2.close();
});

Deno.test("ObservationOutlet takes no buffer from a detect worker that was replaced", async () => {
  const { outlet, giveBackLate, close } = joined(false);
  outlet.exchange(oneRow(), 1, 1);
  const { port1, port2 } = new MessageChannel();
  const arrival = Promise.withResolvers<void>();
  port2.onmessage = () => arrival.resolve();
  giveBackLate(Int32Array.of(7));
  outlet.join(port1);
  const free = outlet.exchange(oneRow(), 1, 1)!;
  await arrival.promise;
  notStrictEqual(outlet.exchange(free, 1, 1)!.length, 1);
  port1.close();
  port2.close();
  close();
});

Deno.test("a detect worker that is joined after the end hears of it", async () => {
  const { outlet, close } = joined(true);
  outlet.end();
  const { port1, port2 } = new MessageChannel();
  const arrival = Promise.withResolvers<PipelineToDetect>();
  port2.onmessage = ({ data }: MessageEvent<PipelineToDetect>) => arrival.resolve(data);
  outlet.join(port1);
  outlet.exchange(oneRow(), 1, 1);
  deepStrictEqual(await arrival.promise, { type: "end" });
  port1.close();
  port2.close();
  close();
});
