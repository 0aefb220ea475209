/** Whether two paths lead to one file. */

/** False also when one of them leads nowhere. */
export function isSameFile(a: string, b: string): boolean {
  try {
    return Deno.realPathSync(a) === Deno.realPathSync(b);
  } catch {
    return false;
  }
}
