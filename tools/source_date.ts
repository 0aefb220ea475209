/** The date of what is built, so that two builds of one commit are equal: https://reproducible-builds.org/specs/source-date-epoch/ */

const root = new URL("..", import.meta.url).pathname;

/** Seconds since 1970: SOURCE_DATE_EPOCH, the date of the commit, or 0 without git. */
export async function sourceDate(): Promise<number> {
  const given = Deno.env.get("SOURCE_DATE_EPOCH");
  if (given !== undefined) {
    if (/^\d{1,11}$/.test(given)) return Number(given);
    throw new Error(`SOURCE_DATE_EPOCH must be seconds since 1970, got ${JSON.stringify(given)}`);
  }
  const args = ["-C", root, "log", "-1", "--format=%ct"];
  const git = await new Deno.Command("git", { args, stderr: "null" }).output().catch(() => null);
  return Number(git?.success ? new TextDecoder().decode(git.stdout) : 0);
}

/** Gives everything below `folder`, and the folder itself, one time of change, in seconds since 1970. */
export async function setTimes(folder: string, seconds: number): Promise<void> {
  for await (const { name, isDirectory, isSymlink } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) await setTimes(path, seconds);
    else if (!isSymlink) await Deno.utime(path, seconds, seconds);
  }
  await Deno.utime(folder, seconds, seconds);
}
