/** The one place that turns libpcap's return codes and error texts into errors. */
import { PcapCode } from "./layout.ts";
import { type PcapLibrary, readCString } from "./symbols.ts";

/** What was being done when libpcap failed. */
export type PcapOperation = "list" | "open" | "filter" | "read" | "stats";

/** A failure of libpcap. `message` is its own text, made a little longer only where that text is bare. */
export class PcapError extends Error {
  override readonly name = "PcapError";
  readonly operation: PcapOperation;
  /** A PCAP_ERROR_ code, see PcapCode. */
  readonly code: number;

  constructor(operation: PcapOperation, code: number, text: string) {
    super(text);
    this.operation = operation;
    this.code = code;
  }
}

/** The error for `code`, with the text that `handle` keeps; PCAP_ERROR alone has no text of its own. */
export function handleError(
  library: PcapLibrary,
  handle: Deno.PointerObject,
  failed: { readonly operation: PcapOperation; readonly code: number },
): PcapError {
  const detail = readCString(library.pcap.pcap_geterr(handle));
  const general = readCString(library.pcap.pcap_statustostr(failed.code));
  const isGeneral = failed.code === PcapCode.error || detail.includes(general);
  const text = isGeneral ? detail : detail === "" ? general : `${general} (${detail})`;
  return new PcapError(failed.operation, failed.code, text);
}

/** The text in a PCAP_ERRBUF_SIZE buffer. */
export function errorBufferText(buffer: Uint8Array): string {
  const end = buffer.indexOf(0);
  return new TextDecoder().decode(buffer.subarray(0, end < 0 ? buffer.length : end));
}
