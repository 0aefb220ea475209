/** `.env.example`, made anew from the table of options. */
import { envExample } from "../agent/env_example.ts";

const path = new URL("../.env.example", import.meta.url);

/** Writes it when it is not as the table says; true when it was not. */
export function writeEnvExample(): boolean {
  const text = envExample();
  if (readIfThere() === text) return false;
  Deno.writeTextFileSync(path, text);
  return true;
}

function readIfThere(): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}
