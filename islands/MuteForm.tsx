/**
 * The form of a mute: what it takes, for how long, and what of the last seven days it would have held back. It looks again
 * whenever a field changes; without scripts its first button does. Only what was looked at can be made.
 */
import { useEffect, useRef, useState } from "preact/hooks";
import {
  type MuteFieldName,
  type MuteFields,
  muteKindLabels,
  muteSpans,
  muteVerb,
  noMuteFields,
  previewedKey,
  type PreviewMessage,
  readMuteFields,
} from "../components/mute_fields.ts";
import { MutePreview } from "../components/MutePreview.tsx";
import { fromWire } from "../components/wire.ts";

export interface MuteRefusal {
  /** A sentence; "" when nothing is wrong. */
  readonly error: string;
  /** Which input it is about; "" for all of them. */
  readonly field: string;
}

interface Props {
  readonly fields: MuteFields;
  /** The page that it was opened from, where it leads back to: "/incidents/7"; "" for /alerts. */
  readonly from: string;
  /** Of `fields`; null when it was not looked at yet. */
  readonly preview: PreviewMessage | null;
  readonly refusal: MuteRefusal;
  readonly nowUs: number;
  readonly zone: string;
  /** Closes the dialog that it stands in; without one there is a link. */
  readonly onCancel?: () => void;
}

interface Looked {
  readonly preview: PreviewMessage | null;
  readonly refusal: MuteRefusal;
}

const pauseMs = 300;
const noRefusal: MuteRefusal = { error: "", field: "" };

export default function MuteForm(props: Props) {
  const { from, nowUs, zone, onCancel } = props;
  const form = useRef<HTMLFormElement>(null);
  const [fields, setFields] = useState(props.fields);
  const [looked, setLooked] = useState<Looked>({ preview: props.preview, refusal: props.refusal });
  const [isLooking, setLooking] = useState(false);
  const timer = useRef(0);
  const asked = useRef(0);

  async function look(wanted: MuteFields): Promise<void> {
    clearTimeout(timer.current);
    const number = ++asked.current;
    setLooking(true);
    const answer = await askPreview(wanted);
    if (number !== asked.current) return; // the fields have changed since
    setLooked(answer);
    setLooking(false);
  }
  function onInput(): void {
    const wanted = readForm(form.current!);
    setFields(wanted);
    setLooking(true);
    asked.current++;
    clearTimeout(timer.current);
    timer.current = setTimeout(() => look(wanted), pauseMs);
  }
  useEffect(() => {
    if (!looked.preview && looked.refusal.error === "" && previewedKey(fields) !== emptyKey) {
      void look(fields);
    }
    return () => clearTimeout(timer.current);
  }, []);

  const { preview, refusal } = looked;
  const errorOf = (name: MuteFieldName) => refusal.field === name ? refusal.error : "";
  return (
    <form
      ref={form}
      class="mute"
      method="get"
      action="/mutes/new"
      onInput={onInput}
      onSubmit={(event) => {
        if (isMaking(event)) return;
        event.preventDefault();
        void look(readForm(form.current!));
      }}
    >
      {from !== "" && <input type="hidden" name="from" value={from} />}
      <div class="body">
        <fieldset class="scope">
          <legend>Mute when all of these fit</legend>
          <label class="field">
            <span>Kind</span>
            <select name="kind" aria-invalid={errorOf("kind") !== ""}>
              <option value="" selected={fields.kind === ""}>any</option>
              {Object.entries(muteKindLabels).map(([value, label]) => (
                <option key={value} value={value} selected={value === fields.kind}>{label}</option>
              ))}
            </select>
            <FieldError text={errorOf("kind")} />
          </label>
          <Input name="source" label="Source" {...{ fields, errorOf }} />
          <Input name="destination" label="Target" {...{ fields, errorOf }} />
          <Input name="port" label="Port" {...{ fields, errorOf }} />
          <p class="faint">
            An empty field takes any. Addresses may be networks, as 10.0.0.0/8; ports ranges and
            lists, as 22,8000-8100.
          </p>
        </fieldset>
        <fieldset>
          <legend>For how long</legend>
          <div class="seg">
            {muteSpans.map(({ value, label }) => (
              <label key={value}>
                <input type="radio" name="until" value={value} checked={value === fields.until} />
                {label}
              </label>
            ))}
          </div>
          <FieldError text={errorOf("until")} />
        </fieldset>
        <Input name="note" label="Note: why it is muted" {...{ fields, errorOf }} />
        {refusal.error !== "" && refusal.field === "" && (
          <p class="err" role="alert">{refusal.error}</p>
        )}
        {preview !== null && <MutePreview {...{ preview, nowUs, zone }} />}
      </div>
      <footer>
        {onCancel
          ? <button type="button" class="btn" onClick={onCancel}>Cancel</button>
          : <a class="btn" href={from || "/alerts"} aria-current="false">Cancel</a>}
        <button type="submit" class={preview === null ? "btn main" : "btn"}>Preview</button>
        {preview !== null && (
          <button
            type="submit"
            class="btn main"
            formmethod="post"
            name="previewed"
            value={previewedKey(fields)}
            disabled={isLooking}
          >
            {muteVerb(fields.until)}
          </button>
        )}
      </footer>
    </form>
  );
}

interface InputProps {
  readonly name: MuteFieldName;
  readonly label: string;
  readonly fields: MuteFields;
  readonly errorOf: (name: MuteFieldName) => string;
}

function Input({ name, label, fields, errorOf }: InputProps) {
  const error = errorOf(name);
  return (
    <label class="field">
      <span>{label}</span>
      <input
        name={name}
        defaultValue={fields[name]}
        placeholder={name === "note" ? "" : "any"}
        class={name === "note" ? "" : "mono"}
        maxLength={200}
        autocomplete="off"
        spellcheck={false}
        aria-invalid={error !== ""}
        aria-describedby={error === "" ? undefined : `mute-${name}-error`}
      />
      <FieldError id={`mute-${name}-error`} text={error} />
    </label>
  );
}

function FieldError({ id, text }: { id?: string; text: string }) {
  return text === "" ? null : <span class="err" id={id} role="alert">{text}</span>;
}

const emptyKey = previewedKey(noMuteFields);

function isMaking(event: SubmitEvent): boolean {
  return (event.submitter as HTMLButtonElement | null)?.name === "previewed";
}

function readForm(form: HTMLFormElement): MuteFields {
  const data = new FormData(form);
  return readMuteFields((name) => String(data.get(name) ?? ""));
}

async function askPreview(fields: MuteFields): Promise<Looked> {
  try {
    const response = await fetch("/api/mutes?preview=1", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(fields),
    });
    const answer = await response.json();
    if (response.ok) return { preview: fromWire<PreviewMessage>(answer), refusal: noRefusal };
    const refusal = { error: String(answer.error), field: String(answer.field ?? "") };
    return { preview: null, refusal };
  } catch {
    return { preview: null, refusal: { error: "tapwatch does not answer.", field: "" } };
  }
}
