/** What the resident memory of a process consists of, by the mappings of /proc/PID/smaps (proc(5)). */

const kib = 1024;
const names = {
  ring: "kernel ring",
  files: "pages of the executable and libraries",
  heaps: "JavaScript heaps",
  wasm: "memories of WebAssembly",
  allocator: "C library's heaps",
  rest: "buffers, stacks, the rest",
} as const;

type Part = keyof typeof names;

/** Parts as headings of a table. */
export const residentParts: readonly string[] = Object.values(names);

/** Bytes of each part now, in the order of `residentParts`. */
export function residentByPart(pid: number): number[] {
  const bytes = new Map<Part, number>();
  let part: Part = "rest";
  for (const line of Deno.readTextFileSync(`/proc/${pid}/smaps`).split("\n")) {
    const head = /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \d+\s*(.*)$/.exec(line);
    const resident = /^Rss:\s+(\d+) kB/.exec(line);
    if (head !== null) {
      const [, start, end, rights, name] = head as unknown as [
        string,
        string,
        string,
        string,
        string,
      ];
      part = partOf(parseInt(start, 16), parseInt(end, 16), { rights, name });
    } else if (resident !== null) {
      bytes.set(part, (bytes.get(part) ?? 0) + Number(resident[1]) * kib);
    }
  }
  return (Object.keys(names) as Part[]).map((key) => bytes.get(key) ?? 0);
}

/** By names, and for what has none by its places: glibc's arenas, V8's chunks, pages of WebAssembly. */
function partOf(
  start: number,
  end: number,
  { rights, name }: { readonly rights: string; readonly name: string },
): Part {
  if (name.startsWith("socket:")) return "ring";
  if (name.startsWith("/")) return "files";
  if (name === "[heap]") return "allocator";
  if (name !== "" || !rights.startsWith("rw-")) return "rest";
  if (start % (64 * kib * kib) === 0) return "allocator";
  if (start % (256 * kib) === 0 && end % (256 * kib) === 0) return "heaps";
  if (start % (64 * kib) === 0 && end % (64 * kib) === 0) return "wasm";
  return "rest";
}
