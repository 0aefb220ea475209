/** The keys of the pages, listed in a dialog that "?" opens; the arrows go through tables. Without scripts the button opens it too. */
import { useEffect } from "preact/hooks";
import { isTyping, moveInTable } from "../components/keyboard.ts";

const keys: readonly (readonly [key: string, what: string])[] = [
  ["/", "to the search of a list"],
  ["space", "pauses the updates, and goes on"],
  ["?", "opens and closes this list"],
  ["↑ ↓", "in a table, once something in it has the focus: the row above, the row below"],
  ["← →", "in a table: what leads somewhere before it, behind it"],
  ["Home End", "in a table: the first row, the last row"],
  ["Esc", "closes what has opened"],
];
const id = "keys";

export default function Keys() {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if (event.key === "?") document.getElementById(id)?.togglePopover();
      else if (!moveInTable(event.key, event.target)) return;
      event.preventDefault();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
  return (
    <>
      <button
        type="button"
        class="btn quiet icon keys"
        popovertarget={id}
        aria-label="Keys"
        title="Keys (?)"
      >
        ?
      </button>
      <dialog class="dlg" id={id} popover="auto" aria-labelledby="keys-title">
        <header>
          <h2 id="keys-title">Keys</h2>
        </header>
        <div class="body">
          <dl class="facts long">
            {keys.map(([key, what]) => (
              <>
                <dt>
                  {key.split(" ").map((one) => <kbd key={one}>{one}</kbd>)}
                </dt>
                <dd>{what}</dd>
              </>
            ))}
          </dl>
        </div>
        <footer>
          <button
            type="button"
            class="btn main"
            popovertarget={id}
            popovertargetaction="hide"
            autofocus
          >
            Close
          </button>
        </footer>
      </dialog>
    </>
  );
}
