/**
 * The search of a list as a line of text, with the words that fit where one types (ARIA's combobox with a list); "/" leads to it.
 * Without scripts it is an input of a form.
 */
import { useEffect, useRef, useState } from "preact/hooks";
import { completeSearch, type Completion } from "../agent/search/complete.ts";
import type { SearchList } from "../agent/search/fields.ts";
import { Icon } from "../components/Icon.tsx";
import { isTyping } from "../components/keyboard.ts";

interface Props {
  readonly list: SearchList;
  readonly text: string;
}

const examples: { readonly [list in SearchList]: string } = {
  flows: "host 192.168.1.20 and port 443",
  packets: "host 192.168.1.20 and proto udp",
  hosts: "net 192.168.0.0/16 and bytes > 1GB",
  scans: "src 192.168.1.20 and severity >= medium",
  anomalies: "host 192.168.1.20 and severity >= medium",
  incidents: "actor 192.168.1.20 and state open",
  alerts: "severity >= high and state sent",
};

const listId = "search-words";
const shownMax = 12;

export default function SearchBox({ list, text: initial }: Props) {
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState(initial);
  /** Where the cursor is while words are offered. */
  const [at, setAt] = useState<number | null>(null);
  const [chosen, setChosen] = useState(-1);
  useEffect(() => onSlash(() => input.current?.select()), []);
  const { from, words } = at === null ? { from: 0, words: [] } : completeSearch(text, at, list);
  const shown = words.slice(0, shownMax);
  const place = () => {
    setAt(input.current?.selectionStart ?? null);
    setChosen(-1);
  };
  const take = ({ text: word }: Completion) => {
    const before = `${text.slice(0, from)}${word} `;
    const after = before + text.slice(at ?? from).trimStart();
    // At once, so that what is typed meanwhile comes behind it.
    input.current!.value = after;
    input.current!.setSelectionRange(before.length, before.length);
    setText(after);
    setAt(before.length);
    setChosen(-1);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape") setAt(null);
    else if (event.key === "Enter" && shown[chosen] !== undefined) take(shown[chosen]);
    else if (event.key === "ArrowDown" && shown.length > 0) setChosen((chosen + 1) % shown.length);
    else if (event.key === "ArrowUp" && shown.length > 0) {
      setChosen((chosen <= 0 ? shown.length : chosen) - 1);
    } else return;
    event.preventDefault();
  };
  return (
    <div class="qbox">
      <Icon name="search" />
      <input
        ref={input}
        name="q"
        value={text}
        placeholder={examples[list]}
        aria-label={`Search ${list}`}
        role="combobox"
        aria-expanded={shown.length > 0}
        aria-controls={listId}
        aria-autocomplete="list"
        aria-activedescendant={chosen >= 0 ? `${listId}-${chosen}` : undefined}
        autocomplete="off"
        autocapitalize="none"
        spellcheck={false}
        onInput={(event) => {
          setText(event.currentTarget.value);
          place();
        }}
        onFocus={place}
        onClick={place}
        onBlur={() => setAt(null)}
        onKeyDown={onKeyDown}
      />
      <kbd aria-hidden="true">/</kbd>
      <ul id={listId} role="listbox" aria-label="Words that fit" hidden={shown.length === 0}>
        {shown.map((word, index) => (
          <li
            key={word.text}
            id={`${listId}-${index}`}
            role="option"
            aria-selected={index === chosen}
            onMouseDown={(event) => {
              // The input keeps the focus.
              event.preventDefault();
              take(word);
            }}
          >
            <b class="mono">{word.text}</b> <span class="dim">{word.help}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** Calls `go` for "/" typed outside of inputs; returns what ends it. */
function onSlash(go: () => void): () => void {
  const onKey = (event: KeyboardEvent) => {
    if (
      event.key !== "/" || isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey
    ) return;
    event.preventDefault();
    go();
  };
  document.addEventListener("keydown", onKey);
  return () => document.removeEventListener("keydown", onKey);
}
