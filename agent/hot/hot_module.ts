/** The compiled form of assembly/, made once a thread. */
import { hotCode } from "./hot_code.ts";

let module: WebAssembly.Module | null = null;

export function hotModule(): WebAssembly.Module {
  return module ??= new WebAssembly.Module(Uint8Array.fromBase64(hotCode));
}
