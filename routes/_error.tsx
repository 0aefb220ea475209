/** What stands at an address that is none, and when a page could not be made. */
import { HttpError, page } from "fresh";
import { isPage } from "./(_server)/host_check.ts";
import { ParameterError } from "./(_server)/parameters.ts";
import { errorJson } from "./(_server)/plain_answers.ts";
import { define } from "./(_server)/state.ts";

/** Errors of the API are JSON, those of pages are pages; what went wrong inside is told to the log only. */
export const handler = define.handlers((ctx) => {
  const { status, text } = judgeError(ctx.error);
  if (status >= 500) console.error(ctx.error);
  return isPage(ctx.url.pathname) ? page({ text }, { status }) : errorJson(status, text);
});

function judgeError(error: unknown): { readonly status: number; readonly text: string } {
  if (error instanceof ParameterError) return { status: 400, text: error.message };
  const status = error instanceof HttpError ? error.status : 500;
  if (status === 404) {
    return { status, text: (error as Error).message || "There is no page at this address" };
  }
  return status < 500
    ? { status, text: (error as HttpError).message }
    : { status, text: "The dashboard could not make this page; its log says why" };
}

export default define.page<typeof handler>(function ErrorPage({ data, url }) {
  return (
    <section class="panel c12">
      <div class="state">
        <h2>{data.text}</h2>
        <p class="mono">{url.pathname}</p>
        <div class="btns">
          <a class="btn main" href="/" aria-current="false">Overview</a>
        </div>
      </div>
    </section>
  );
});
