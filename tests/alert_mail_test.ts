/** Mails of alerts through a real SMTP server: how they are secured, refused, delayed, and what a mail reader gets. */
import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { ChannelError } from "../agent/alert/channel.ts";
import { MailChannel } from "../agent/alert/mail.ts";
import { visible } from "../agent/alert/story.ts";
import { story } from "../agent/alert/testing/sample_story.ts";
import type { SmtpConfig } from "../agent/config.ts";
import type { Alert } from "../agent/records.ts";
import {
  hasMailServer,
  type MailServer,
  makeCertificates,
  startMailServer,
} from "./mail_server.ts";
import { patienceMs } from "./program.ts";

const note = hasMailServer ? "" : " (SKIPPED: no python3-aiosmtpd)";
interface Settings {
  readonly args?: readonly string[];
  readonly answerMs?: number;
  readonly smtp?: Partial<SmtpConfig>;
}

function channelTo(server: MailServer, { smtp = {}, answerMs = patienceMs }: Settings) {
  return new MailChannel({
    smtp: {
      host: "localhost",
      port: server.port,
      user: null,
      password: null,
      security: "none",
      ca: null,
      ...smtp,
    },
    from: "tapwatch@edge.example.org",
    to: ["ops@example.org", "second@example.org"],
    tell: (alert) => Promise.resolve(story(alert)),
    answerMs,
  });
}

/** A server, and a channel to it. */
async function withMail(
  settings: Settings,
  use: (channel: MailChannel, server: MailServer) => Promise<void>,
): Promise<void> {
  const server = await startMailServer(settings.args ?? []);
  const channel = channelTo(server, settings);
  try {
    await use(channel, server);
  } finally {
    channel.close();
    await server.stop();
  }
}

const send = (channel: MailChannel, changes: Partial<Alert> = {}) =>
  channel.send(story(changes).alert);

/** What the channel says of its failure. */
async function failure(channel: MailChannel): Promise<ChannelError> {
  let failed: unknown;
  await rejects(send(channel), (error) => {
    failed = error;
    return true;
  });
  ok(failed instanceof ChannelError);
  return failed;
}

function mailTest(name: string, run: () => Promise<void>): void {
  Deno.test({ name: name + note, ignore: !hasMailServer, fn: run });
}

mailTest(
  "a mail tells what happened in text and HTML, with the packets, and hostile names stay text",
  () =>
    withMail({}, async (channel, server) => {
      match(await send(channel), /^250 taken/);
      const { taken, to } = await server.next();
      deepStrictEqual(to, ["ops@example.org", "second@example.org"]);
      deepStrictEqual(taken!.defects, []);
      const headers = new Map(taken!.headers);
      strictEqual(headers.get("Message-ID"), "<incident-7.k3x@edge.example.org>");
      match(headers.get("Subject")!, /^\[tapwatch edge\] High: phone\.local/);
      match(headers.get("Subject")!, /<U\+000D><U\+000A>Bcc: a@b\.example<U\+202E>/);
      ok(!taken!.headers.some(([name]) => /^bcc$/i.test(name)));
      deepStrictEqual(taken!.parts.map(({ type, name }) => [type, name]), [
        ["text/plain", null],
        ["text/html", null],
        ["application/vnd.tcpdump.pcap", "incident-7.pcap"],
      ]);
      const [plain, html, pcap] = taken!.parts;
      match(plain!.text!, /To whom: 192\.168\.77\.2, 192\.168\.77\.3 and 4 more/);
      match(plain!.text!, /What to do: Ask whose phone it is\./);
      match(plain!.text!, /Packets: attached/);
      match(plain!.text!, /https:\/\/tap\.example\.org\/incidents\/7/);
      ok(html!.text!.includes("&#60;script&#62;alert(1)") && !html!.text!.includes("<script"));
      ok(!/<img|src=|url\(/i.test(html!.text!));
      strictEqual(atob(pcap!.base64!).length, 4);
    }),
);

mailTest(
  "the mails of one incident are one thread, and a copy of a mail has its id",
  () =>
    withMail({}, async (channel, server) => {
      for (
        const [id, trigger] of [[12, "opened"], [13, "success"], [14, "over"], [
          13,
          "success",
        ]] as const
      ) {
        await send(channel, { id, trigger });
      }
      const mails = [];
      for (let i = 0; i < 4; i++) mails.push(await server.next());
      const [first, second, third, copy] = mails.map(({ taken }) => new Map(taken!.headers));
      for (const mail of [second, third]) {
        strictEqual(mail!.get("In-Reply-To"), first!.get("Message-ID"));
        strictEqual(mail!.get("References"), first!.get("Message-ID"));
      }
      strictEqual(copy!.get("Message-ID"), second!.get("Message-ID"));
      ok(second!.get("Message-ID") !== third!.get("Message-ID"));
      match(third!.get("Subject")!, /^\[tapwatch edge\] Over: /);
    }),
);

mailTest("STARTTLS and TLS with an authority of one's own, and a login", async () => {
  const { ca, cert, key } = await makeCertificates();
  for (const [tls, security] of [["starttls", "starttls"], ["implicit", "tls"]] as const) {
    const args = ["--tls", tls, "--cert", cert, "--key", key, "--auth", "ops:right"];
    const smtp = { security, ca: await Deno.readTextFile(ca), user: "ops", password: "right" };
    await withMail({ args, smtp }, async (channel, server) => {
      match(await send(channel), /^250 taken/);
      const mail = await server.next();
      deepStrictEqual([mail.tls, mail.user], [true, true]);
    });
    await withMail({ args, smtp: { ...smtp, password: "wrong" } }, async (channel) => {
      const { message, isPermanent } = await failure(channel);
      match(message, /refused the login of ops.*TAPWATCH_SMTP_PASSWORD/);
      strictEqual(isPermanent, false);
    });
    await withMail({ args, smtp: { ...smtp, ca: null } }, async (channel) => {
      match(
        (await failure(channel)).message,
        /certificate of localhost:\d+ is not trusted.*--smtp-ca FILE/,
      );
    });
  }
});

mailTest("a server without STARTTLS, or that speaks no TLS, gets no mail", async () => {
  await withMail({ smtp: { security: "starttls" } }, async (channel) => {
    match((await failure(channel)).message, /does not offer STARTTLS/);
  });
  await withMail({ smtp: { security: "tls" } }, async (channel) => {
    match((await failure(channel)).message, /does not speak TLS from the start/);
  });
});

mailTest(
  "what a server puts off or breaks off may be tried again, what it refuses may not",
  async () => {
    await withMail({ args: ["--behave", "451,550,drop,cut,ok"] }, async (channel) => {
      const [later, refused, broken, cut] = [
        await failure(channel),
        await failure(channel),
        await failure(channel),
        await failure(channel),
      ];
      deepStrictEqual([later, refused, broken, cut].map(({ isPermanent }) => isPermanent), [
        false,
        true,
        false,
        false,
      ]);
      match(later.message, /451 by order of the test/);
      match(refused.message, /550 by order of the test/);
      match(await send(channel), /^250 taken/);
    });
  },
);

mailTest(
  "nobody at the port is told with what to check",
  () =>
    withMail({}, async (channel, server) => {
      await server.stop();
      match(
        (await failure(channel)).message,
        /Nobody answers at localhost:\d+: connection refused\. Check host and port/,
      );
    }),
);

mailTest(
  "a server that hangs before its greeting or after the mail is left in time",
  async () => {
    await withMail({ args: ["--behave", "hang,late,ok"] }, async (channel, server) => {
      // Long enough for the server to read a mail before it is left.
      const hasty = channelTo(server, { answerMs: 2000 });
      for (let i = 0; i < 2; i++) {
        const { message, isPermanent } = await failure(hasty);
        match(message, /did not answer in time/);
        strictEqual(isPermanent, false);
      }
      hasty.close();
      strictEqual((await server.next()).turned_away, "hang");
      strictEqual((await server.next()).to?.length, 2);
      match(await send(channel), /^250 taken/);
    });
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const connections: Deno.Conn[] = [];
    const accepting = (async () => {
      for await (const connection of listener) connections.push(connection);
    })();
    const port = (listener.addr as Deno.NetAddr).port;
    await withMail({ smtp: { port }, answerMs: 500 }, async (channel) => {
      match((await failure(channel)).message, /did not answer in time/);
    });
    listener.close();
    await accepting;
    for (const connection of connections) connection.close();
  },
);

mailTest(
  "no name makes a header, be it in the subject, the sensor's name or a source",
  async () => {
    const names = [
      "evil\r\nBcc: a@b.example",
      "evil\nBcc: a@b.example\n\nbody",
      "evil\rBcc: a@b.example",
      "=?utf-8?Q?=0D=0ABcc:_a@b.example?=",
      "evil\u0085Bcc: a@b.example\u2028Bcc: c@d.example\u0000",
      `${"long ".repeat(300)}\r\n\tBcc: a@b.example`,
      "\ud800 lone, \u{1f600} whole, \u202eturned",
    ];
    await withMail({}, async (channel, server) => {
      await send(channel, { headline: "harmless" });
      const { taken: harmless } = await server.next();
      const headerNames = (headers: readonly (readonly [string, string])[]) =>
        headers.map(([name]) => name);
      for (const name of names) {
        await send(channel, { headline: name, source: name, detail: name, reason: name });
        const { taken, to } = await server.next();
        deepStrictEqual(headerNames(taken!.headers), headerNames(harmless!.headers));
        deepStrictEqual(taken!.defects, []);
        deepStrictEqual(to, ["ops@example.org", "second@example.org"]);
        const subject = new Map(taken!.headers).get("Subject")!;
        const shown = visible(name).replaceAll("=?", "=<U+003F>").toWellFormed();
        strictEqual(subject, `[tapwatch edge] High: ${shown}`);
        deepStrictEqual(taken!.parts.length, 3);
      }
    });
  },
);
