/** What a host is: who made its card, and its kind by what it does, where that is certain. */
import type { BookHost } from "../store/device_queries.ts";
import { vendorsOf } from "./vendor.ts";

export type DescribedHost = BookHost & {
  /** "" where it is not known. */
  readonly vendor: string;
  readonly kind: string;
};

export async function describeHosts(hosts: readonly BookHost[]): Promise<DescribedHost[]> {
  const vendors = await vendorsOf(hosts.map(({ mac }) => mac));
  return hosts.map((host) => {
    const vendor = vendors.get(host.mac) ?? "";
    return { ...host, vendor, kind: kindOf(host, vendor) };
  });
}

/** Makers of little else than cameras. */
const cameraMakers =
  /^(amcrest|axis comm|dahua|hikvision|hangzhou hikvision|reolink|foscam|mobotix|vivotek|zhejiang dahua|zhejiang uniview|hanwha|lorex|arlo|wyze)/i;

/** "router", "printer", …; "" where nothing is certain. */
export function kindOf(
  { is_router, offers, id }: Pick<BookHost, "is_router" | "offers" | "id">,
  vendor: string,
): string {
  if (id === null) return "";
  if (is_router === 1) return "router";
  const has = (...services: string[]) => services.some((service) => offers.includes(service));
  if (has("tcp/9100", "tcp/515") || has("tcp/631") && !has("tcp/22")) return "printer";
  if (cameraMakers.test(vendor)) return "camera";
  if (has("tcp/88", "udp/88") && has("tcp/389", "udp/389")) return "domain controller";
  if (has("tcp/2049", "tcp/548") || has("tcp/445") && has("tcp/5000", "tcp/5001")) {
    return "file server";
  }
  const known = offers.map((offer) => Number(offer.split("/")[1]))
    .filter((port) => serverPorts.has(port));
  return known.length > 0 ? "server" : "";
}
/** Of services that people run on purpose. */
const serverPorts = new Set([21, 22, 25, 53, 80, 110, 143, 443, 993, 1433, 3306, 5432, 6379, 8080]);
