import { deepStrictEqual } from "node:assert/strict";
import { PollSet } from "./poll_set.ts";

const library = () =>
  Deno.dlopen("libc.so.6", {
    // int eventfd(unsigned int initval, int flags);
    eventfd: { parameters: ["u32", "i32"], result: "i32" },
    // int close(int fd);
    close: { parameters: ["i32"], result: "i32" },
  });

Deno.test({
  name: "PollSet tells what can be read from what has failed, and from nothing",
  ignore: Deno.build.os !== "linux",
  // It keeps the C library, whose memory a wait may still write to.
  sanitizeResources: false,
  fn: async () => {
    const libc = library();
    const { eventfd, close } = libc.symbols;
    const [ready, silent, closed] = [eventfd(1, 0), eventfd(0, 0), eventfd(0, 0)];
    close(closed);
    const waits = [[ready], [silent], [ready, silent], [silent, closed], [ready, closed]];
    const haveFailed = [];
    for (const handles of waits) haveFailed.push(await new PollSet(handles).wait(20));
    deepStrictEqual(haveFailed, [false, false, false, true, true]);
    close(ready);
    close(silent);
    libc.close();
  },
});
