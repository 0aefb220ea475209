import { missingForRoot, mustRun, testWith, withFolder } from "./program.ts";

const missing = missingForRoot("mount") || await missingMounts();

/** A test with a disk of its own of so few bytes; left out where none can be mounted. */
export function testOnSmallDisk(
  name: string,
  bytes: number,
  fn: (folder: string) => void | Promise<void>,
): void {
  testWith(missing, name, () => withSmallDisk(bytes, fn));
}

async function withSmallDisk(bytes: number, use: (folder: string) => void | Promise<void>) {
  await withFolder(async (folder) => {
    await mustRun("mount", "-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", folder);
    try {
      await use(folder);
    } finally {
      await mustRun("umount", "-l", folder);
    }
  });
}

/** Root in a container often may not mount. */
async function missingMounts(): Promise<string> {
  return await withSmallDisk(65_536, () => {}).then(() => "", () => "no disks can be mounted here");
}
