/** The login, for a dashboard with a password. */
import { page } from "fresh";
import { VERSION } from "../agent/version.ts";
import { Brand } from "../components/Icon.tsx";
import { formatDuration } from "../components/format.ts";
import { define } from "./(_server)/state.ts";
import { localPath } from "./(_server)/parameters.ts";
import { readForm } from "./(_server)/request_body.ts";

export const config = { skipInheritedLayouts: true };

interface LoginPage {
  readonly error: string;
  /** Where to go afterwards, on this site. */
  readonly next: string;
}

export const handler = define.handlers({
  GET(ctx) {
    if (ctx.state.gate.isOpen) return ctx.redirect("/", 303);
    const next = localPath(ctx.url.searchParams.get("next"));
    return page<LoginPage>({ error: "", next });
  },
  async POST(ctx) {
    const { gate, address } = ctx.state;
    if (gate.isOpen) return ctx.redirect("/", 303);
    const form = await readForm(ctx.req);
    const next = localPath(form.get("next"));
    const result = gate.tryPassword(String(form.get("password") ?? ""), address);
    if (result.ok) {
      const response = ctx.redirect(next, 303);
      response.headers.set("set-cookie", gate.beginSession(ctx.req));
      return response;
    }
    return page<LoginPage>({ error: refusal(result), next }, {
      status: result.retryAfterS > 0 ? 429 : 401,
      headers: result.retryAfterS > 0 ? { "retry-after": String(result.retryAfterS) } : {},
    });
  },
});

function refusal({ retryAfterS, triesLeft }: { retryAfterS: number; triesLeft: number }): string {
  if (retryAfterS > 0) {
    return `Too many wrong passwords. Wait ${formatDuration(retryAfterS)}, then try again.`;
  }
  const tries = triesLeft === 1 ? "1 try" : `${triesLeft} tries`;
  return `The password does not match. ${tries} left before a pause.`;
}

export default define.page<typeof handler>(function Login({ data, state }) {
  const hasError = data.error !== "";
  return (
    <>
      <main>
        <Brand />
        <h1 class="vh">Log in</h1>
        <p class="dim">{state.sensor.hostname}</p>
        <form method="post" action="/login">
          <input type="hidden" name="next" value={data.next} />
          <label class="field">
            <span>Password</span>
            <input
              type="password"
              name="password"
              autocomplete="current-password"
              required
              autofocus
              aria-invalid={hasError ? "true" : undefined}
              aria-describedby={hasError ? "error" : undefined}
            />
            {hasError && <span class="err" id="error" role="alert">{data.error}</span>}
          </label>
          <button class="btn main" type="submit">Log in</button>
        </form>
      </main>
      <footer>
        tapwatch {VERSION}. The password is the one in the file of{" "}
        <span class="mono">--password-file</span> on this host.
      </footer>
    </>
  );
});
