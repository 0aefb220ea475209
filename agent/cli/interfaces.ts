/** `tapwatch interfaces`: the capture devices with addresses, state and link type. */
import {
  chooseDefaultDevice,
  chosenCapture,
  type DeviceInfo,
  listWithLinktypes,
  readRouteTables,
} from "../capture/devices.ts";
import { describeLinktype } from "../capture/linktypes.ts";
import type { Config } from "../config.ts";
import { requireFfiConsent } from "./ffi_consent.ts";

/** Throws MissingError when what captures cannot be loaded. */
export function runInterfaces(config: Config): void {
  requireFfiConsent(config);
  const { method, description } = chosenCapture(config.capture);
  if (config.capture === "auto" && method === "afpacket") {
    console.error(`libpcap cannot be loaded; ${description} captures without it.`);
  }
  const devices = listWithLinktypes(config.capture);
  const standard = chooseDefaultDevice(devices, readRouteTables())?.name ?? null;
  if (config.isJson) {
    console.log(JSON.stringify(devices.map((device) => toJson(device, standard)), null, 2));
  } else console.log(table(devices.map((device) => toCells(device, standard))));
}

function toJson(device: DeviceInfo, standard: string | null) {
  return {
    name: device.name,
    description: device.description,
    addresses: device.addresses.map(({ address }) => address),
    up: device.isUp,
    running: device.isRunning,
    loopback: device.isLoopback,
    linktype: device.linktype,
    default: device.name === standard,
  };
}

function toCells(device: DeviceInfo, standard: string | null): readonly string[] {
  const state = [
    device.isUp ? (device.isRunning ? "up, running" : "up") : "down",
    device.isLoopback ? "loopback" : "",
    device.linktype === null ? "" : describeLinktype(device.linktype),
    device.name === standard ? "default" : "",
  ].filter((word) => word !== "").join(", ");
  const addresses = device.addresses.map(({ address }) => address).join(" ");
  return [device.name, state, addresses || device.description];
}

/** Columns as wide as they need to be. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = [0, 1].map((column) => Math.max(0, ...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd()
  ).join("\n");
}
