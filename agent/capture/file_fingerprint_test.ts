import { notStrictEqual, strictEqual } from "node:assert/strict";
import { fingerprintFile } from "./file_fingerprint.ts";

const mib = 1024 * 1024;

Deno.test("fingerprintFile() knows a copy, and tells other files from it", () => {
  const folder = Deno.makeTempDirSync();
  const of = (bytes: Uint8Array, name = "file") => {
    Deno.writeFileSync(`${folder}/${name}`, bytes);
    return fingerprintFile(`${folder}/${name}`);
  };
  for (const size of [0, 1, 5000, mib, mib + 1, 2 * mib + 7, 5 * mib]) {
    const bytes = new Uint8Array(size).map((_, index) => index % 251);
    const print = of(bytes);
    strictEqual(of(bytes, "copy"), print, String(size));
    notStrictEqual(of(new Uint8Array([...bytes.subarray(0, 2 * mib), 1])), print);
    for (const place of [0, size - 1, Math.min(size - 1, mib - 1)]) {
      if (size === 0) continue;
      const changed = bytes.slice();
      changed[place] ^= 1;
      notStrictEqual(of(changed), print, `${place} of ${size}`);
    }
  }
  Deno.removeSync(folder, { recursive: true });
});
