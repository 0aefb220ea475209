import { describedHost } from "../../(_server)/host_pages.ts";
import { attempt } from "../../(_server)/lists.ts";
import { decodedText } from "../../(_server)/one_thing.ts";
import { errorJson } from "../../(_server)/plain_answers.ts";
import { define } from "../../(_server)/state.ts";

/** One host by an address, a MAC address or its number: with its addresses, names, services, peers and hours. */
export const handler = define.handlers({
  async GET({ state, params }) {
    const text = decodedText(params.id);
    const { value, error } = await attempt(() => describedHost(state, text), null);
    if (error !== "") return errorJson(503, error);
    if (value === null) {
      return errorJson(404, `There is no host ${JSON.stringify(text.slice(0, 40))}.`);
    }
    const { host, isPartial, ...parts } = value;
    return Response.json({ ...host, ...parts, is_partial: isPartial, addresses: host.addresses });
  },
});
