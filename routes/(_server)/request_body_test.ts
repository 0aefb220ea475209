import { equal, match } from "node:assert/strict";
import { takeBody } from "./request_body.ts";

function request(body: BodyInit): Request {
  return new Request("http://127.0.0.1/theme", { method: "POST", body });
}

Deno.test("takeBody() takes a form whole", async () => {
  const taken = await takeBody(request("theme=dark"));
  equal(await taken.text(), "theme=dark");
});

Deno.test("takeBody() waits only so long for what does not come, and lets go of it", async () => {
  let isCancelled = false;
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode("theme=")),
    cancel: () => void (isCancelled = true),
  });
  const answer = await takeBody(request(body), 20);
  equal((answer as Response).status, 408);
  match(await answer.text(), /took too long/);
  equal(isCancelled, true);
});

Deno.test("takeBody() refuses what breaks off", async () => {
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.error(new Error("connection reset")),
  });
  equal((await takeBody(request(body)) as Response).status, 400);
});
