/** Fields of DHCP (RFC 2131, RFC 2132) and NTP (RFC 5905). */
import { formatIpv4 } from "../addresses.ts";
import { readText } from "../app_text.ts";
import { type FieldBuilder, hex, named } from "./builder.ts";
import { mac } from "./link.ts";
import { dhcpMessages, dhcpOptions } from "./names.ts";
import { ipv4Address } from "./network.ts";

export function dhcpFields(b: FieldBuilder): string {
  b.u8("dhcp.type", "Message type", named({ 1: "boot request", 2: "boot reply" }));
  b.u8("dhcp.hw.type", "Hardware type", (value) => hex(value, 2));
  const length = b.u8("dhcp.hw.len", "Hardware address length");
  b.u8("dhcp.hops", "Hops");
  b.u32("dhcp.id", "Transaction ID", (value) => hex(value, 8));
  b.u16("dhcp.secs", "Seconds elapsed");
  b.u16("dhcp.flags", "Bootp flags", (value) => hex(value, 4));
  ipv4Address(b, "dhcp.ip.client", "Client IP address");
  ipv4Address(b, "dhcp.ip.your", "Your (client) IP address");
  ipv4Address(b, "dhcp.ip.server", "Next server IP address");
  ipv4Address(b, "dhcp.ip.relay", "Relay agent IP address");
  if (length === 6) {
    mac(b, "dhcp.hw.mac_addr", "Client MAC address");
    b.hex("dhcp.hw.addr_padding", "Client hardware address padding", 10);
  } else b.hex("dhcp.hw.addr", "Client hardware address", 16);
  nameField(b, "dhcp.server", "Server host name", 64);
  nameField(b, "dhcp.file", "Boot file name", 128);
  if (!ipv4Address(b, "dhcp.cookie", "Magic cookie")) return "";
  let message = "";
  while (b.left > 0 && !b.isCut) message = optionField(b) || message;
  return message;
}

/** Text up to its first zero byte. */
function nameField(b: FieldBuilder, name: string, label: string, length: number): void {
  let end = b.at;
  while (end < Math.min(b.end, b.at + length) && b.bytes[end] !== 0) end++;
  b.add(name, label, length, end === b.at ? "not given" : readText(b.bytes, b.at, end, length));
}

/** Names behind "dhcp.option.", as Wireshark has them. */
const addressOptions: Readonly<Record<number, string>> = {
  1: "subnet_mask",
  3: "router",
  6: "domain_name_server",
  28: "broadcast_address",
  42: "ntp_server",
  50: "requested_ip_address",
  54: "dhcp_server_id",
};
const textOptions: Readonly<Record<number, string>> = {
  12: "hostname",
  15: "domain_name",
  60: "vendor_class_id",
};

/** The kind of the message, "" of other options. */
function optionField(b: FieldBuilder): string {
  const { bytes, at } = b;
  const type = bytes[at];
  if (type === 0 || type === 255) {
    b.u8(type === 0 ? "dhcp.option.padding" : "dhcp.option.end", "Option", named(dhcpOptions));
    if (type === 255 && b.left > 0) b.hex("dhcp.option.padding", "Padding", b.left);
    return "";
  }
  let message = "";
  b.group("dhcp.option.type", "Option", 2 + (b.left >= 2 ? bytes[at + 1] : 0), (option) => {
    option.u8("dhcp.option.type_number", "Type", named(dhcpOptions));
    const length = option.u8("dhcp.option.length", "Length");
    if (type === 53 && length === 1) {
      const kind = option.u8("dhcp.option.dhcp", "DHCP", named(dhcpMessages));
      message = dhcpMessages[kind] ?? String(kind);
    } else if (addressOptions[type] !== undefined) {
      const name = `dhcp.option.${addressOptions[type]}`;
      while (option.left >= 4 && !option.isCut) {
        option.add(name, "Address", 4, formatIpv4(bytes, option.at));
      }
    } else if (textOptions[type] !== undefined && option.left > 0) {
      option.text(`dhcp.option.${textOptions[type]}`, "Text", option.left);
    }
    if (option.left > 0) option.hex("dhcp.option.value", "Value", option.left);
    return named(dhcpOptions)(type);
  });
  return message;
}

const ntpModes = {
  1: "symmetric active",
  2: "symmetric passive",
  3: "client",
  4: "server",
  5: "broadcast",
  6: "control",
  7: "private",
};

export function ntpFields(b: FieldBuilder): string {
  const flags = b.left > 0 ? b.bytes[b.at] : 0;
  const at = b.at;
  b.group("ntp.flags", "Flags", 1, (inner) => {
    inner.mark("ntp.flags.li", "Leap Indicator", at, 1, String(flags >> 6));
    inner.mark("ntp.flags.vn", "Version number", at, 1, String(flags >> 3 & 7));
    inner.mark("ntp.flags.mode", "Mode", at, 1, named(ntpModes)(flags & 7));
    return hex(flags, 2);
  });
  const mode = ntpModes[(flags & 7) as keyof typeof ntpModes] ?? "";
  if ((flags & 7) >= 6 || (flags & 7) === 0) {
    b.rest("ntp.data", "Data");
    return mode;
  }
  b.u8("ntp.stratum", "Peer Clock Stratum");
  b.u8("ntp.ppoll", "Peer Polling Interval");
  b.u8("ntp.precision", "Peer Clock Precision", (value) => String(value << 24 >> 24));
  b.hex("ntp.rootdelay", "Root Delay", 4);
  b.hex("ntp.rootdispersion", "Root Dispersion", 4);
  b.hex("ntp.refid", "Reference ID", 4);
  for (
    const [name, label] of [
      ["reftime", "Reference Timestamp"],
      ["org", "Origin Timestamp"],
      ["rec", "Receive Timestamp"],
      ["xmt", "Transmit Timestamp"],
    ]
  ) b.hex(`ntp.${name}`, label, 8);
  b.rest("ntp.extensions", "Extensions");
  return mode;
}
