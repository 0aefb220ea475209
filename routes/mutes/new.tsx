/**
 * The form of a mute as a page of its own. Its address may carry the fields, or `from`, the page of an incident or a finding that
 * fills them in; what they would have held back is shown below. POST makes the mute, if just that was looked at before.
 */
import { HttpError, page } from "fresh";
import {
  muteFieldNames,
  type MuteFields,
  noMuteFields,
  previewedKey,
  type PreviewMessage,
} from "../../components/mute_fields.ts";
import { fromWire } from "../../components/wire.ts";
import { pageNowUs } from "../../components/verdict.ts";
import MuteForm, { type MuteRefusal } from "../../islands/MuteForm.tsx";
import {
  fieldsOf,
  muteStart,
  previewJson,
  previewMute,
  readMute,
  refusedField,
} from "../(_server)/mutes.ts";
import { checkNames, localPath } from "../(_server)/parameters.ts";
import { readFields } from "../(_server)/request_body.ts";
import { define, type State } from "../(_server)/state.ts";

interface NewMutePage {
  readonly fields: MuteFields;
  readonly from: string;
  readonly preview: PreviewMessage | null;
  readonly refusal: MuteRefusal;
}

const ownNames = [...muteFieldNames, "from"];

export const handler = define.handlers({
  async GET({ state, url: { searchParams } }) {
    state.title = "New mute";
    checkNames(searchParams, ownNames);
    const from = pathOf(searchParams);
    const isFilled = muteFieldNames.some((name) => searchParams.has(name));
    if (isFilled) return answer(await look(state, fieldsOf(searchParams), from));
    if (from === "") return page(formOf(noMuteFields, from));
    const start = await attemptStart(state, from);
    if (start === null) throw new HttpError(404, `There is nothing at ${from} to mute.`);
    return answer(await look(state, start.fields, from));
  },
  async POST({ req, state, redirect }) {
    state.title = "New mute";
    const sent = await readFields(req);
    checkNames(sent, [...ownNames, "previewed"]);
    const from = pathOf(sent);
    const fields = fieldsOf(sent);
    const looked = await look(state, fields, from);
    if (looked.refusal.error !== "") return answer(looked);
    if (sent.get("previewed") !== previewedKey(fields)) {
      const error = "This is not what was looked at. Below is what it would have held back now.";
      return answer({ ...looked, refusal: { error, field: "" } });
    }
    try {
      await state.context.alerts.addMute(readMute(bare(fields), Date.now() * 1000));
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      return answer({ ...looked, refusal: { error: error.message, field: "" } });
    }
    return redirect(from === "" ? "/alerts#mutes" : from, 303);
  },
});

function answer(data: NewMutePage) {
  return page(data, { status: data.refusal.error === "" ? 200 : 400 });
}

function formOf(fields: MuteFields, from: string): NewMutePage {
  return { fields, from, preview: null, refusal: { error: "", field: "" } };
}

function pathOf(query: URLSearchParams): string {
  const from = query.get("from") ?? "";
  return from === "" ? "" : localPath(from);
}

async function attemptStart({ context }: State, from: string) {
  try {
    return await muteStart(context, from);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new HttpError(503, error.message);
  }
}

/** The form with what its fields would have held back, or why they are no mute. */
async function look(
  { context }: State,
  fields: MuteFields,
  from: string,
): Promise<NewMutePage> {
  try {
    const mute = readMute(bare(fields), Date.now() * 1000);
    const preview = fromWire<PreviewMessage>(previewJson(await previewMute(context, mute)));
    return { ...formOf(fields, from), preview };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const refusal = { error: error.message, field: refusedField(error.message) };
    return { ...formOf(fields, from), refusal };
  }
}

function bare(fields: MuteFields): URLSearchParams {
  return new URLSearchParams({ ...fields });
}

export default define.page<typeof handler>(function NewMute({ data, state }) {
  return (
    <section class="panel c12">
      <header>
        <h2>{data.from === "" ? "Mute incidents" : "Mute incidents like this"}</h2>
        <p>Nobody is told of what is muted. It is still recorded and shown.</p>
      </header>
      <MuteForm {...data} nowUs={pageNowUs(state.message)} zone={state.sensor.zone} />
    </section>
  );
});
