/** `deno task env-example`: writes `.env.example` anew from the table of options. */
import { envExample } from "../agent/env_example.ts";

Deno.writeTextFileSync(new URL("../.env.example", import.meta.url), envExample());
