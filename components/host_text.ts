/** What pages say of hosts in words. Pure. */
import type { DeviceHour, FirstContact } from "../agent/store/device_queries.ts";
import type { NameOrigin } from "../agent/records.ts";
import { countryName } from "../agent/text/countries.ts";
import { firstContactText } from "../agent/text/first_contacts.ts";
import { formatWhen } from "./format.ts";
import { serviceOfPort } from "./port_names.ts";
import { protocolLabel } from "./protocol_groups.ts";

/** "HTTPS (443/tcp)". */
export function serviceText(proto: string, port: number, service: string): string {
  const name = protocolLabel(service || serviceOfPort(port));
  return name ? `${name} (${port}/${proto})` : `port ${port}/${proto}`;
}

export const originTexts: Readonly<Record<NameOrigin, string>> = {
  dhcp: "it calls itself so by DHCP",
  mdns: "it is asked for by mDNS",
  nbns: "NetBIOS",
  llmnr: "it is asked for by LLMNR",
  dns: "DNS leads to it",
  tls: "asked for as a TLS server (SNI)",
  http: "asked for as a web server",
};

/** The sentence of a first contact. */
export function contactText(
  { kind, device_name, address, mac, peer, name, proto, port, service }: FirstContact,
): string {
  const who = device_name === "" ? address : `${device_name} (${address})`;
  const what = kind === "country"
    ? countryName(service)
    : kind === "service"
    ? serviceText(proto, port ?? 0, service)
    : "";
  const whom = name === "" ? peer : `${name} (${peer})`;
  return firstContactText(kind, { who, mac, whom, what });
}

/** What is said where nothing can be new yet; "" afterwards. */
export function learningText(untilUs: number | null, nowUs: number, zone: string): string {
  if (untilUs === null) return "There was no traffic yet.";
  if (nowUs >= untilUs) return "";
  return `Until ${
    formatWhen(untilUs, nowUs, zone)
  } tapwatch learns what is there; what comes later is new.`;
}

/** Usual bytes of each hour of the day in `zone`: the median of the days from the first hour on, so that one busy day is not usual. */
export function hoursOfDay(hours: readonly DeviceHour[], zone: string): number[] {
  const bytes = Array.from({ length: 24 }, (): number[] => []);
  if (hours.length === 0) return bytes.map(() => 0);
  const hourOf = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    hour: "2-digit",
    hour12: false,
  });
  for (const { hour_us, in_bytes, out_bytes } of hours) {
    bytes[Number(hourOf.format(hour_us / 1000)) % 24]!.push(in_bytes + out_bytes);
  }
  const days = Math.round((hours.at(-1)!.hour_us - hours[0]!.hour_us) / 86_400e6);
  // Hours without traffic have no row.
  return bytes.map((own) =>
    own.sort((a, b) => b - a)[Math.floor(Math.max(days, own.length) / 2)] ?? 0
  );
}

/** When a host is usually active: "from 07:00 to 23:00", "at all hours"; "" with less than three days to go by. */
export function usualHours(hours: readonly DeviceHour[], zone: string): string {
  if (hours.length === 0) return "";
  const days = (hours.at(-1)!.hour_us - hours[0]!.hour_us) / 86_400e6;
  if (days < 3) return "";
  const usual = hoursOfDay(hours, zone);
  const quiet = Math.max(...usual) / 20;
  const isActive = usual.map((bytes) => bytes > quiet);
  if (isActive.every((active) => !active)) return "";
  if (isActive.every((active) => active)) return "at all hours";
  // The longest pause, over midnight too, is its night.
  let [start, length] = [0, 0];
  for (let from = 0; from < 24; from++) {
    let run = 0;
    while (run < 24 && !isActive[(from + run) % 24]) run++;
    if (run > length) [start, length] = [from, run];
  }
  const clock = (hour: number) => `${String(hour % 24).padStart(2, "0")}:00`;
  return `from ${clock(start + length)} to ${clock(start)}`;
}
