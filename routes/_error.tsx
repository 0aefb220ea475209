/** What stands at an address that is none, and when a page could not be made. */
import { HttpError, page } from "fresh";
import { define } from "./(_server)/state.ts";

/** Errors of the API are JSON, those of pages are pages; what went wrong inside is told to the log only. */
export const handler = define.handlers((ctx) => {
  const status = ctx.error instanceof HttpError ? ctx.error.status : 500;
  if (status >= 500) console.error(ctx.error);
  if (ctx.url.pathname.startsWith("/api/")) {
    return Response.json({ error: titles[status] ?? titles[500] }, { status });
  }
  return page(undefined, { status });
});

const titles: Record<number, string> = {
  404: "There is no page at this address",
  405: "This address does not take that method",
  500: "The dashboard could not make this page; its log says why",
};

export default define.page<typeof handler>(function ErrorPage({ error, url }) {
  const status = error instanceof HttpError ? error.status : 500;
  return (
    <section class="panel c12">
      <div class="state">
        <h3>{titles[status] ?? titles[500]}</h3>
        <p class="mono">{url.pathname}</p>
        <div class="btns">
          <a class="btn main" href="/">Overview</a>
        </div>
      </div>
    </section>
  );
});
