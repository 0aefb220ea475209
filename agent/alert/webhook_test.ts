/** Webhooks against a real listener: what it gets in each form, and what is made of its answers. */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { createHmac } from "node:crypto";
import { patienceMs } from "../../tests/program.ts";
import type { WebhookConfig } from "../alert_options.ts";
import { ChannelError } from "./channel.ts";
import { subjectLine } from "./story.ts";
import { hostile, story } from "./testing/sample_story.ts";
import { WebhookChannel } from "./webhook.ts";

interface Post {
  readonly method: string;
  readonly path: string;
  readonly headers: Headers;
  readonly text: string;
}
type Answer = () => Response | Promise<Response>;

interface Hook {
  readonly url: string;
  readonly posts: Post[];
  /** Sends the sample alert. */
  send(form?: WebhookConfig["form"], changes?: Parameters<typeof story>[0]): Promise<string>;
  /** What the channel says of its failure. */
  failure(): Promise<ChannelError>;
}

/** A listener that answers in turn, the last for all others. */
async function withHook(
  answers: readonly Answer[],
  use: (hook: Hook) => Promise<void>,
  { secret = null as string | null, path = "/hook/s3cret", answerMs = patienceMs } = {},
): Promise<void> {
  const posts: Post[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const { method, url, headers } = request;
      posts.push({ method, path: new URL(url).pathname, headers, text: await request.text() });
      return await answers[Math.min(posts.length, answers.length) - 1]!();
    },
  );
  const url = `http://127.0.0.1:${server.addr.port}${path}`;
  const send: Hook["send"] = (form = "json", changes = {}) =>
    new WebhookChannel({
      webhook: { form, url },
      secret,
      tell: (alert) => Promise.resolve(story(alert)),
      answerMs,
    }).send(story(changes).alert);
  const failure = async () => {
    try {
      await send();
    } catch (error) {
      if (error instanceof ChannelError) return error;
    }
    throw new Error("It did not fail");
  };
  try {
    await use({ url, posts, send, failure });
  } finally {
    await server.shutdown();
  }
}

const say = (status: number, text = "", headers: HeadersInit = {}): Answer => () =>
  new Response(text === "" ? null : text, { status, headers });

Deno.test("our JSON has stable names, and is signed when there is a secret", () =>
  withHook([say(200, "ok")], async ({ posts, send }) => {
    strictEqual(await send(), "200 OK: ok");
    const { method, path, headers, text } = posts[0]!;
    deepStrictEqual([method, path, headers.get("content-type")], [
      "POST",
      "/hook/s3cret",
      "application/json",
    ]);
    const digest = createHmac("sha256", "well kept").update(text).digest("hex");
    strictEqual(headers.get("x-tapwatch-signature"), `sha256=${digest}`);
    const body = JSON.parse(text);
    deepStrictEqual(Object.keys(body), [
      "tool",
      "host",
      "id",
      "ts",
      "kind",
      "trigger",
      "severity",
      "headline",
      "detail",
      "reason",
      "attack_id",
      "link",
      "advice",
      "incident",
    ]);
    // Whoever takes JSON gets the name as it was.
    ok(body.headline.includes(hostile));
    deepStrictEqual([body.incident.id, body.incident.actor, body.incident.target_count], [
      7,
      "192.168.77.20",
      6,
    ]);
  }, { secret: "well kept" }));

Deno.test("without a secret nothing is signed", () =>
  withHook([say(204)], async ({ posts, send }) => {
    match(await send(), /^204/);
    strictEqual(posts[0]!.headers.get("x-tapwatch-signature"), null);
  }));

Deno.test("Slack's form: blocks, and no marks of a stranger's", () =>
  withHook([say(200, "ok")], async ({ posts, send }) => {
    await send("slack", { headline: "<!channel> <http://evil.example|click> & more" });
    const { text, blocks } = JSON.parse(posts[0]!.text);
    match(text, /^\[tapwatch edge\] High: &lt;!channel&gt; &lt;http:.* &amp; more$/);
    deepStrictEqual(blocks.map(({ type, text: { type: kind } }: never) => [type, kind]), [
      ["section", "mrkdwn"],
      ["section", "mrkdwn"],
      ["section", "mrkdwn"],
    ]);
    strictEqual(blocks[2].text.text, "<https://tap.example.org/incidents/7|Open in tapwatch>");
    ok(!/<(?!https:\/\/tap\.example\.org)/.test(posts[0]!.text));
  }));

Deno.test("Discord's form: an embed that pings nobody, makes no links and is not too long", () =>
  withHook([say(204)], async ({ posts, send }) => {
    const long = `[click](http://evil.example) @everyone ${"😀".repeat(3000)}`;
    await send("discord", { headline: long, detail: long, reason: long });
    const body = JSON.parse(posts[0]!.text);
    deepStrictEqual(body.allowed_mentions, { parse: [] });
    const [{ title, description, fields, url, color }] = body.embeds;
    strictEqual(url, "https://tap.example.org/incidents/7");
    strictEqual(color, 0xb3261e);
    ok(title.length <= 256 && description.length <= 2048 && fields.length <= 25);
    const sizes = fields.map(({ name, value }: { name: string; value: string }) =>
      name.length + value.length
    );
    ok(
      sizes.reduce((sum: number, size: number) => sum + size, title.length + description.length) <=
        6000,
    );
    ok(!/[^\\]\[click/.test(description) && description.startsWith("\\[click\\]"));
    ok(posts[0]!.text.isWellFormed() && !/\\ud[89a-f]/i.test(posts[0]!.text));
  }));

Deno.test("the form of Teams: an Adaptive Card whose facts make no links", () =>
  withHook([say(202)], async ({ posts, send }) => {
    await send("teams", { headline: "[click](http://evil.example)" });
    const { type, attachments: [{ contentType, content }] } = JSON.parse(posts[0]!.text);
    deepStrictEqual([type, contentType, content.type, content.version], [
      "message",
      "application/vnd.microsoft.card.adaptive",
      "AdaptiveCard",
      "1.4",
    ]);
    const [title, facts] = content.body;
    match(title.text, /\\\[click\\\]\(http/);
    strictEqual(facts.type, "FactSet");
    ok(
      facts.facts.every((fact: { title: string; value: string }) =>
        typeof fact.title === "string" && typeof fact.value === "string"
      ),
    );
    deepStrictEqual(content.actions, [{
      type: "Action.OpenUrl",
      title: "Open in tapwatch",
      url: "https://tap.example.org/incidents/7",
    }]);
  }));

Deno.test("ntfy's form goes to the server's root, with the topic and a priority", () =>
  withHook([say(200)], async ({ posts, send }) => {
    await send("ntfy", { reason: "😀".repeat(5000) });
    const { path, text } = posts[0]!;
    const body = JSON.parse(text);
    deepStrictEqual([path, body.topic, body.priority, body.tags, body.click], [
      "/",
      "my-topic",
      4,
      ["high"],
      "https://tap.example.org/incidents/7",
    ]);
    ok(new TextEncoder().encode(body.message).length <= 4096);
    match(body.title, /^\[tapwatch edge\] High: phone\.local .*<U\+000D>/);
  }, { path: "/my-topic" }));

Deno.test("no form has a control character or a mark that turns text, and all are whole", () =>
  withHook([say(200)], async ({ posts, send }) => {
    for (const form of ["slack", "discord", "teams", "ntfy"] as const) {
      await send(form);
      ok(subjectLine(story()).includes("<U+202E>"));
      ok(!/\\u[0-9a-f]{4}|\\r|\u202e/i.test(posts.at(-1)!.text), form);
    }
  }));

Deno.test("what may pass is tried again, and as late as the server wants it", () =>
  withHook([
    say(429, "slow down", { "Retry-After": "120" }),
    say(503, "", { "Retry-After": new Date(Date.now() + 90_000).toUTCString() }),
    say(408),
    say(500, "x".repeat(10_000)),
    say(200),
  ], async ({ failure, send }) => {
    const [busy, away, late, broken] = [
      await failure(),
      await failure(),
      await failure(),
      await failure(),
    ];
    ok([busy, away, late, broken].every(({ isPermanent }) => !isPermanent));
    deepStrictEqual([busy.retryAfterMs, late.retryAfterMs], [120_000, 0]);
    ok(away.retryAfterMs > 80_000 && away.retryAfterMs <= 90_000);
    match(busy.message, /^429 .*slow down$/);
    ok(broken.message.length < 300);
    match(await send(), /^200/);
  }));

Deno.test("what the server refuses is not tried again", async () => {
  for (const status of [400, 401, 403, 404, 410, 413]) {
    await withHook([say(status, "no such hook")], async ({ failure, posts }) => {
      const { isPermanent, message } = await failure();
      deepStrictEqual([isPermanent, posts.length], [true, 1]);
      match(message, new RegExp(`^${status} .*: no such hook$`));
    });
  }
});

Deno.test("a redirect is not followed", () =>
  withHook([say(307, "", { Location: "/elsewhere" }), say(200)], async ({ failure, posts }) => {
    const { isPermanent, message } = await failure();
    match(message, /^307: it leads elsewhere, which is not followed/);
    deepStrictEqual([isPermanent, posts.length], [true, 1]);
  }));

Deno.test("a server that hangs before or within its answer holds nobody up", async () => {
  const never = Promise.withResolvers<Response>();
  await withHook([
    () => never.promise,
    () =>
      new Response(new ReadableStream({ start: (stream) => stream.enqueue(new Uint8Array(1)) })),
  ], async ({ failure, send }) => {
    const { message, isPermanent } = await failure();
    deepStrictEqual([message, isPermanent], ["no answer within 1.5 s", false]);
    never.resolve(new Response());
    match(await send(), /^200/);
  }, { answerMs: 1500 });
});

Deno.test("what goes wrong on the way names no secret address", async () => {
  let address = "";
  await withHook([say(200)], ({ url }) => {
    address = url;
    return Promise.resolve();
  });
  const channel = new WebhookChannel({
    webhook: { form: "slack", url: address },
    secret: null,
    tell: (alert) => Promise.resolve(story(alert)),
  });
  ok(!channel.name.includes("s3cret"));
  const error = await channel.send(story().alert).catch((error) => error);
  ok(error instanceof ChannelError && !error.isPermanent && !error.message.includes("s3cret"));
  match(error.message, /refused/i);
});
