/** What fails while packets are captured, the same for every way to capture. */

/** What was being done. */
export type CaptureOperation = "list" | "open" | "filter" | "read" | "stats";

/** What a caller can do something about; the rest is "other". */
export type CaptureFault =
  | "noSuchDevice"
  | "notUp"
  | "permissionDenied"
  | "promiscuousDenied"
  | "other";

/** A failure of libpcap or of the system. `message` is its own text, made a little longer only where that text is bare. */
export class CaptureError extends Error {
  override readonly name = "CaptureError";
  readonly operation: CaptureOperation;
  readonly fault: CaptureFault;

  constructor(operation: CaptureOperation, fault: CaptureFault, text: string) {
    super(text);
    this.operation = operation;
    this.fault = fault;
  }
}
