import { clientsMax } from "../(_server)/event_hub.ts";
import { checkNames, wholeNumber } from "../(_server)/parameters.ts";
import { errorJson } from "../(_server)/plain_answers.ts";
import { define } from "../(_server)/state.ts";

/** Server-sent events; `?since=` is the newest second that the reader has, in microseconds. */
export const handler = define.handlers({
  GET({ state, url }) {
    checkNames(url.searchParams, ["since"]);
    const since = wholeNumber(url.searchParams, "since", { min: 0, max: Number.MAX_SAFE_INTEGER });
    const stream = state.hub.open(since ?? Date.now() * 1000);
    if (!stream) {
      return errorJson(503, `At most ${clientsMax} readers of /api/events`, { "retry-after": "5" });
    }
    return new Response(stream, {
      headers: { "content-type": "text/event-stream", "cache-control": "no-store" },
    });
  },
});
