/** The one place that turns libpcap's return codes and error texts into errors. */
import {
  CaptureError,
  type CaptureFault,
  type CaptureOperation,
} from "../capture/capture_error.ts";
import { PcapCode } from "./layout.ts";
import { type PcapLibrary, readCString } from "./symbols.ts";

const faultByCode: ReadonlyMap<number, CaptureFault> = new Map([
  [PcapCode.noSuchDevice, "noSuchDevice"],
  [PcapCode.interfaceNotUp, "notUp"],
  [PcapCode.permissionDenied, "permissionDenied"],
  [PcapCode.promiscuousDenied, "promiscuousDenied"],
]);

/** The error for a PCAP_ERROR_ or PCAP_WARNING_ code. */
export function pcapError(operation: CaptureOperation, code: number, text: string): CaptureError {
  return new CaptureError(operation, faultByCode.get(code) ?? "other", text);
}

/** The error for `code`, with the text that `handle` keeps; PCAP_ERROR alone has no text of its own. */
export function handleError(
  library: PcapLibrary,
  handle: Deno.PointerObject,
  failed: { readonly operation: CaptureOperation; readonly code: number },
): CaptureError {
  const detail = readCString(library.pcap.pcap_geterr(handle));
  const general = readCString(library.pcap.pcap_statustostr(failed.code));
  const isGeneral = failed.code === PcapCode.error || detail.includes(general);
  const text = isGeneral ? detail : detail === "" ? general : `${general} (${detail})`;
  return pcapError(failed.operation, failed.code, text);
}

/** The text in a PCAP_ERRBUF_SIZE buffer. */
export function errorBufferText(buffer: Uint8Array): string {
  const end = buffer.indexOf(0);
  return new TextDecoder().decode(buffer.subarray(0, end < 0 ? buffer.length : end));
}
