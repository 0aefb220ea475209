/** `tapwatch licenses`: the notices that tools/build_notices.ts collected, on stdout. */
import { brotliDecompressSync } from "node:zlib";
import { writeToStdout } from "./stdout.ts";

export async function runLicenses(): Promise<void> {
  const { noticesCode } = await import("./notices_code.ts");
  writeToStdout(brotliDecompressSync(Uint8Array.fromBase64(noticesCode)));
}
