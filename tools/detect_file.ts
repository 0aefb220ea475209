/**
 * Prints the findings of capture files as JSON lines, each file on its own, in this thread: for work on detectors.
 *
 *     deno run -A --frozen --lock=deno.lock tools/detect_file.ts FILE...
 */
import { detectInFile } from "../tests/detect_in_file.ts";

for (const path of Deno.args) {
  const { findings, state } = await detectInFile(path);
  for (const finding of findings) console.log(JSON.stringify({ path, ...finding }));
  console.error(JSON.stringify({ path, ...state }));
}
