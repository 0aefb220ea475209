/** Writing data to stdout. */

/** Writes all bytes. A reader that went away (`| head`) ends the process quietly, as it does for other tools. */
export function writeToStdout(bytes: Uint8Array): void {
  try {
    for (let rest = bytes; rest.length > 0;) rest = rest.subarray(Deno.stdout.writeSync(rest));
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) Deno.exit(0);
    throw error;
  }
}
