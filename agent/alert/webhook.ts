/**
 * Alerts as POST requests: our JSON, or the forms of Slack, Discord, Microsoft Teams and ntfy. Signed with
 * HMAC-SHA256 of the body when there is a secret. Redirects are not followed: an address that others can change is none.
 */
import { createHmac } from "node:crypto";
import type { WebhookConfig } from "../alert_options.ts";
import type { Alert } from "../records.ts";
import { type Channel, ChannelError } from "./channel.ts";
import { type AlertStory, factsWithAdvice, severityNames, subjectLine, visible } from "./story.ts";
import { messageOf } from "../errors.ts";

interface WebhookOptions {
  readonly webhook: WebhookConfig;
  readonly secret: string | null;
  readonly tell: (alert: Alert) => Promise<AlertStory>;
  /** Longest wait for an answer; 15 s unless told. */
  readonly answerMs?: number;
}

const answerMsDefault = 15_000;
/** Of the answer, for the list of alerts. */
const wordsMax = 200;

export class WebhookChannel implements Channel {
  readonly name: string;
  readonly #options: WebhookOptions;

  constructor(options: WebhookOptions) {
    this.#options = options;
    const { origin } = new URL(options.webhook.url);
    // The path is often the secret.
    this.name = `webhook ${
      options.webhook.form === "json" ? "" : `${options.webhook.form} `
    }${origin}`;
  }

  async send(alert: Alert): Promise<string> {
    const { webhook, secret, tell, answerMs = answerMsDefault } = this.#options;
    const { body, headers } = requestOf(await tell(alert), webhook);
    let response: Response;
    try {
      response = await fetch(addressOf(webhook), {
        method: "POST",
        body,
        headers: { ...headers, ...signature(body, secret) },
        redirect: "manual",
        signal: AbortSignal.timeout(answerMs),
      });
    } catch (error) {
      throw new ChannelError(connectionTrouble(error, answerMs), {
        isPermanent: false,
        cause: error,
      });
    }
    const words = await firstWords(response);
    if (response.ok) return words;
    throw new ChannelError(words, {
      isPermanent: isFinal(response.status),
      retryAfterMs: retryAfterMs(response.headers),
    });
  }
}

/** Seconds or a date (RFC 9110 section 10.2.3). */
function retryAfterMs(headers: Headers): number {
  const text = headers.get("retry-after")?.trim() ?? "";
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isFinite(ms) && ms > 0 ? ms : 0;
}

/** X-Tapwatch-Signature, as "sha256=<hex>". */
function signature(body: string, secret: string | null): Record<string, string> {
  if (secret === null) return {};
  const digest = createHmac("sha256", secret).update(body).digest("hex");
  return { "X-Tapwatch-Signature": `sha256=${digest}` };
}

/** Whether trying again would not help: what is wrong is the request or the address, not the moment. */
function isFinal(status: number): boolean {
  return status >= 300 && status < 500 && status !== 408 && status !== 429;
}

async function firstWords(response: Response): Promise<string> {
  const { status, statusText } = response;
  if (status >= 300 && status < 400) {
    await response.body?.cancel();
    return `${status}: it leads elsewhere, which is not followed. Name the address itself`;
  }
  let text = "";
  try {
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    while (reader && text.length < wordsMax) {
      const { value, done } = await reader.read();
      if (done) break;
      text += value;
    }
    await reader?.cancel();
  } catch {
    // The answer broke off; its status says enough.
  }
  const words = visible(text.replace(/\s+/g, " ").trim().slice(0, wordsMax));
  return `${status}${statusText ? ` ${statusText}` : ""}${words ? `: ${words}` : ""}`;
}

function connectionTrouble(error: unknown, answerMs: number): string {
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return `no answer within ${answerMs / 1000} s`;
  }
  const text = messageOf(error);
  // Deno puts the whole address, which may hold a secret, into the message.
  return text.replace(/\(?https?:\/\/[^\s)]+\)?:?\s*/g, "").replace(
    /^error sending request for url\s*/,
    "",
  );
}

interface HookRequest {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

function requestOf(story: AlertStory, { form, url }: WebhookConfig): HookRequest {
  const json = { "Content-Type": "application/json" };
  switch (form) {
    case "slack":
      return { body: JSON.stringify(slackBody(story)), headers: json };
    case "discord":
      return { body: JSON.stringify(discordBody(story)), headers: json };
    case "teams":
      return { body: JSON.stringify(teamsBody(story)), headers: json };
    case "ntfy":
      return { body: JSON.stringify(ntfyBody(story, url)), headers: json };
    default:
      return { body: JSON.stringify(jsonBody(story)), headers: json };
  }
}

/** Names are stable. */
function jsonBody({ alert, incident, advice, link, hostname }: AlertStory) {
  return {
    tool: "tapwatch",
    host: hostname,
    id: alert.id,
    ts: isoTime(alert.tsUs),
    kind: alert.kind,
    trigger: alert.trigger,
    severity: alert.severity,
    headline: alert.headline,
    detail: alert.detail,
    reason: alert.reason,
    attack_id: alert.attackId,
    link,
    advice,
    incident: incident && {
      id: incident.id,
      severity: incident.severity,
      state: incident.isOpen ? "open" : "closed",
      actor: incident.actor,
      actor_name: incident.actorName,
      sources: incident.sources,
      source_count: incident.sourceCount,
      targets: incident.targets,
      target_count: incident.targetCount,
      tactics: incident.tactics,
      techniques: incident.techniques,
      first_ts: isoTime(incident.firstUs),
      last_ts: isoTime(incident.lastUs),
      has_succeeded: incident.hasSucceeded,
    },
  };
}

/** Slack reads & < > as marks of its own (api.slack.com/reference/surfaces/formatting). */
function slackBody(story: AlertStory) {
  const escaped = (text: string) =>
    visible(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  const facts = factsWithAdvice(story).map(({ term, text }) => `*${term}:* ${escaped(text)}`).join(
    "\n",
  );
  const title = escaped(subjectLine(story));
  return {
    text: title,
    blocks: [
      { type: "section", text: { type: "mrkdwn", text: `*${cut(title, 2900)}*` } },
      { type: "section", text: { type: "mrkdwn", text: cut(facts, 2900) } },
      { type: "section", text: { type: "mrkdwn", text: `<${story.link}|Open in tapwatch>` } },
    ],
  };
}

const colours = {
  info: 0x8a94a3,
  low: 0x1d5fd0,
  medium: 0xd08a00,
  high: 0xb3261e,
  critical: 0x8c0f5b,
};

/** Without the meaning that Discord and Teams give to marks (Markdown): names off the wire make no links. */
function unmarked(text: string): string {
  return text.replace(/[\\`*_~|[\]<>#]/g, (mark) => `\\${mark}`);
}

/** At most `lengthMax` UTF-16 units, of whole characters; what a cut left of a mark goes too. */
function cut(text: string, lengthMax: number): string {
  if (text.length <= lengthMax) return text;
  return `${
    text.slice(0, lengthMax - 1).replace(/[\ud800-\udbff]$/, "").replace(/(\\|&\w*)$/, "")
  }…`;
}

/** Discord pings whom a text names, unless told not to; 6,000 characters are the most of all. */
function discordBody(story: AlertStory) {
  const { alert, link } = story;
  return {
    allowed_mentions: { parse: [] },
    embeds: [{
      title: cut(subjectLine(story), 256),
      url: link,
      color: colours[alert.severity],
      description: cut(unmarked(visible(alert.detail.replaceAll("\n", " "))), 2000),
      fields: factsWithAdvice(story).slice(0, 10).map(({ term, text }) => ({
        name: term,
        value: cut(unmarked(text), 330) || "-",
      })),
    }],
  };
}

/** An Adaptive Card, as the Workflows of Teams take it. */
function teamsBody(story: AlertStory) {
  const facts = factsWithAdvice(story).map(({ term, text }) => ({
    title: term,
    value: unmarked(text),
  }));
  return {
    type: "message",
    attachments: [{
      contentType: "application/vnd.microsoft.card.adaptive",
      content: {
        $schema: "http://adaptivecards.io/schemas/adaptive-card.json",
        type: "AdaptiveCard",
        version: "1.4",
        body: [
          { type: "TextBlock", text: unmarked(subjectLine(story)), weight: "Bolder", wrap: true },
          { type: "FactSet", facts },
        ],
        actions: [{ type: "Action.OpenUrl", title: "Open in tapwatch", url: story.link }],
      },
    }],
  };
}

const priorities = { info: 2, low: 2, medium: 3, high: 4, critical: 5 };

/** ntfy takes JSON at its root alone (docs.ntfy.sh, "Publish as JSON"). */
function addressOf({ form, url }: WebhookConfig): string {
  return form === "ntfy" ? new URL(".", url.replace(/\/+$/, "")).href : url;
}

/** A message above 4,096 bytes would become a file. The topic is the last part of the address; JSON goes to the server's root, and there it names the topic. */
function ntfyBody(story: AlertStory, url: string) {
  const { alert, link } = story;
  return {
    topic: new URL(url).pathname.split("/").filter((part) => part !== "").at(-1) ?? "",
    title: cut(subjectLine(story), 250),
    message: cut(
      factsWithAdvice(story).map(({ term, text }) => `${term}: ${text}`).join("\n"),
      1300,
    ),
    priority: priorities[alert.severity],
    tags: [severityNames[alert.severity].toLowerCase()],
    click: link,
  };
}

function isoTime(us: number): string {
  return new Date(us / 1000).toISOString();
}
