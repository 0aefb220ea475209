/** Runs a program of the host for a build: its stdout; throws with what it said when it fails. */
export async function run(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  cwd?: string,
): Promise<string> {
  const options: Deno.CommandOptions = { args: [...args], env: { ...env } };
  if (cwd !== undefined) options.cwd = cwd;
  const { success, stdout, stderr } = await new Deno.Command(command, options).output();
  if (success) return new TextDecoder().decode(stdout);
  const text = new TextDecoder().decode(stderr).trim();
  throw new Error(`${command} ${args.join(" ")} failed: ${text}`);
}
