/**
 * Beside what can be muted: a button that leads to the form with its fields filled in (where scripts run, in a dialog on the
 * page), or the mute that holds it back with a button that lifts it.
 */
import { useEffect, useRef, useState } from "preact/hooks";
import { latest } from "../components/live.ts";
import type { Mute } from "../agent/records.ts";
import { muteEndText, type MuteFields } from "../components/mute_fields.ts";
import { pageNowUs } from "../components/verdict.ts";
import MuteForm from "./MuteForm.tsx";

interface Props {
  /** What holds it back now; null when nothing does. */
  readonly mute: Mute | null;
  readonly fields: MuteFields;
  /** The page that it stands on: "/incidents/7", "/scans/3". */
  readonly from: string;
  /** "incident" or "finding". */
  readonly word: string;
  /** On the button; "Mute" where it is missing. */
  readonly label?: string;
  readonly nowUs: number;
  readonly zone: string;
}

export default function MuteButton({ mute, ...rest }: Props) {
  return mute === null ? <OpenForm {...rest} /> : <Lift mute={mute} {...rest} />;
}

function Lift({ mute, from, nowUs, zone }: Omit<Props, "mute"> & { mute: Mute }) {
  return (
    <form method="post" action={`/api/mutes/${mute.id}`} class="muted-by">
      <input type="hidden" name="lift" value="1" />
      <input type="hidden" name="back" value={from} />
      <span class="dim">
        Muted {muteEndText(mute, nowUs, zone)}
        {mute.note !== "" && `: ${mute.note}`}
      </span>
      <button type="submit" class="btn">Lift the mute</button>
    </form>
  );
}

function OpenForm({ fields, from, word, label = "Mute", nowUs, zone }: Omit<Props, "mute">) {
  const [isOpen, setOpen] = useState(false);
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (isOpen && !dialog.current?.open) dialog.current?.showModal();
  }, [isOpen]);
  return (
    <>
      <a
        class="btn"
        href={from === "" ? "/mutes/new" : `/mutes/new?from=${encodeURIComponent(from)}`}
        aria-haspopup="dialog"
        onClick={(event) => {
          if (event.ctrlKey || event.metaKey || event.shiftKey) return;
          event.preventDefault();
          setOpen(true);
        }}
      >
        {label}
      </a>
      {isOpen && (
        <dialog
          class="dlg"
          ref={dialog}
          aria-labelledby="mute-title"
          onClose={() => setOpen(false)}
        >
          <header>
            <h2 id="mute-title">Mute {word}s like this</h2>
            <p>Nobody is told of what is muted. It is still recorded and shown.</p>
          </header>
          <MuteForm
            fields={fields}
            from={from}
            preview={null}
            refusal={{ error: "", field: "" }}
            nowUs={latest.value ? pageNowUs(latest.value) : nowUs}
            zone={zone}
            onCancel={() => dialog.current?.close()}
          />
        </dialog>
      )}
    </>
  );
}
