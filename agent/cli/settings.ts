/** Every option of a command with its value and where that came from, without secrets. */
import type { Config } from "../config.ts";
import { asBoolean } from "../option_values.ts";
import { type CommandName, OPTIONS, type OptionSpec } from "../options.ts";

export interface Setting {
  readonly name: string;
  readonly variable: string | null;
  /** Null for none, and for what is hidden. */
  readonly value: string | number | boolean | readonly string[] | null;
  /** "--port", "TAPWATCH_PORT", "TAPWATCH_PORT in .env", "default". */
  readonly origin: string;
  readonly isHidden: boolean;
  readonly isSet: boolean;
}

/** Options that say what is to be done, and not how. */
const noSettings = ["help", "version", "print-config", "check-config", "json"];

/** In the order of the table of options. */
export function settingsOf(config: Config): Setting[] {
  return OPTIONS.filter((spec) => isSetting(spec, config.command)).map((spec) => {
    const given = config.given.get(spec.name);
    return {
      name: spec.name,
      variable: spec.env ?? null,
      value: spec.isHidden ? null : given ? valueOf(spec, given) : defaultOf(spec, config),
      origin: given?.[0]?.origin ?? "default",
      isHidden: spec.isHidden ?? false,
      isSet: given !== undefined,
    };
  });
}

function isSetting({ name, commands }: OptionSpec, command: CommandName): boolean {
  return !noSettings.includes(name) && (commands?.includes(command) ?? true);
}

function valueOf(spec: OptionSpec, given: NonNullable<ReturnType<Config["given"]["get"]>>) {
  const [first] = given;
  if (spec.isRepeatable) return given.map(({ value }) => withoutSecrets(spec, String(value)));
  if (spec.kind === "boolean") return asBoolean(first!);
  if (spec.kind === "integer" || spec.kind === "number") return Number(first!.value);
  return withoutSecrets(spec, String(first!.value));
}

function defaultOf(spec: OptionSpec, config: Config): Setting["value"] {
  if (spec.name === "home-net") return config.homeNets;
  if (spec.name === "dashboard-url") return config.dashboardUrl;
  if (spec.name === "retention-mb" && config.command === "hub") {
    return `half of the disk's room, ${spec.default} at least`;
  }
  return spec.default ?? (spec.isRepeatable ? [] : null);
}

/** Passwords in addresses; of webhooks all behind the host, which is as good as a password. */
function withoutSecrets({ name }: OptionSpec, text: string): string {
  const shown = text.replace(/^([\w+.-]+:\/\/[^\/@]*):[^\/]*@/, "$1:…@");
  return name === "webhook"
    ? shown.replace(/^([\w+.-]+:\/\/)(?:[^\/@]*@)?([^\/?#]+).*$/, "$1$2/…")
    : shown;
}
