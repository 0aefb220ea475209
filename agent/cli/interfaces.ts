/** `tapwatch interfaces`: the capture devices with addresses, state and link type. */
import {
  chooseDefaultDevice,
  type DeviceInfo,
  listCaptureDevices,
  readRouteTables,
} from "../capture/devices.ts";
import { describeLinktype } from "../capture/linktypes.ts";
import type { Config } from "../config.ts";
import { requireFfiConsent } from "./ffi_consent.ts";

/** Throws MissingError when libpcap cannot be loaded. */
export function runInterfaces(config: Config): void {
  requireFfiConsent(config);
  const devices = listCaptureDevices();
  const standard = chooseDefaultDevice(devices, readRouteTables())?.name ?? null;
  console.log(
    config.isJson
      ? JSON.stringify(devices.map((device) => toJson(device, standard)), null, 2)
      : devices.map((device) => toText(device, standard)).join("\n"),
  );
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

function toText(device: DeviceInfo, standard: string | null): string {
  const state = [
    device.isUp ? (device.isRunning ? "up, running" : "up") : "down",
    device.isLoopback ? "loopback" : "",
    device.linktype === null ? "" : describeLinktype(device.linktype),
    device.name === standard ? "default" : "",
  ].filter((word) => word !== "").join(", ");
  const addresses = device.addresses.map(({ address }) => address).join(" ");
  return [device.name.padEnd(16), state.padEnd(36), addresses || device.description].join(" ")
    .trimEnd();
}
