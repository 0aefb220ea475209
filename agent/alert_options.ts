/** What the text of an option of alerts means, with a refusal that says what is allowed. All throw UsageError. */
import { parseQuietHours, type QuietHours } from "./alert/quiet_hours.ts";
import { UsageError } from "./errors.ts";
import { quote, type RawValue } from "./option_values.ts";

const WEBHOOK_FORMS = ["slack", "discord", "teams", "ntfy"] as const;
export interface WebhookConfig {
  readonly form: typeof WEBHOOK_FORMS[number] | "json";
  readonly url: string;
}

export interface SyslogConfig {
  readonly protocol: "udp" | "tcp" | "tls";
  readonly host: string;
  readonly port: number;
  /** PEM of its authority; null for the system's. */
  readonly ca: string | null;
}

export function asMailAddress({ origin, value }: RawValue): string {
  const text = String(value).trim();
  if (/^[^\s@<>,;:"()[\]\\]{1,64}@[^\s@<>,;:"()\\]{1,255}$/.test(text)) return text;
  throw new UsageError(`${origin} must be a mail address as ops@example.org, got ${quote(text)}.`);
}

export function asWebhook({ origin, value }: RawValue): WebhookConfig {
  const text = String(value);
  const form = WEBHOOK_FORMS.find((name) => text.startsWith(`${name}+`));
  const url = URL.parse(form ? text.slice(form.length + 1) : text);
  if (url && ["http:", "https:"].includes(url.protocol) && url.hostname !== "") {
    return { form: form ?? "json", url: url.href };
  }
  throw new UsageError(
    `${origin} must be an address that begins with http:// or https://, or one of ${
      WEBHOOK_FORMS.map((name) => `${name}+`).join(", ")
    } before that.`,
  );
}

const syslogPorts = { "udp": 514, "tcp": 601, "tls": 6514 } as const;

export function asSyslog({ origin, value }: RawValue): Omit<SyslogConfig, "ca"> {
  // Of a scheme that is not its own URL takes no host apart.
  const match = /^(udp|tcp|tls):\/\/(.+?)\/?$/.exec(String(value));
  const url = match && URL.parse(`http://${match[2]}`);
  if (!match || !url || url.pathname !== "/" || url.username !== "" || url.search !== "") {
    throw new UsageError(
      `${origin} must look like udp://host:514, tcp://host:601 or tls://host:6514, got ${
        quote(String(value))
      }.`,
    );
  }
  const protocol = match[1] as SyslogConfig["protocol"];
  // URL leaves out 80, the port of http.
  const port = url.port !== ""
    ? Number(url.port)
    : /:80$/.test(match[2]!)
    ? 80
    : syslogPorts[protocol];
  return { protocol, host: url.hostname.replace(/^\[|\]$/g, ""), port };
}

export function asQuietHours({ origin, value }: RawValue): QuietHours {
  const hours = parseQuietHours(String(value));
  if (hours !== null) return hours;
  throw new UsageError(
    `${origin} must be two different times of day as 22:00-07:00, got ${quote(String(value))}.`,
  );
}

export function asBaseUrl({ origin, value }: RawValue): string {
  const url = URL.parse(String(value));
  if (url && ["http:", "https:"].includes(url.protocol) && url.search === "" && url.hash === "") {
    return url.href.replace(/\/+$/, "");
  }
  throw new UsageError(
    `${origin} must look like https://tap.example.org, got ${quote(String(value))}.`,
  );
}
