/** A packet's fields as a tree and its bytes as hexadecimal digits; the bytes of the selected field are marked. */
import type { FieldNode, LayerNode } from "../agent/decode/tree/packet_tree.ts";
import { formatCount } from "./format.ts";

/** A field with its number: counted from 1 in the order of the tree, headers too. */
interface NumberedField extends Omit<FieldNode, "children"> {
  readonly number: number;
  readonly children: readonly NumberedField[];
}
export interface NumberedLayer extends Omit<LayerNode, "fields"> {
  readonly number: number;
  readonly fields: readonly NumberedField[];
}

export function numberFields(layers: readonly LayerNode[]): NumberedLayer[] {
  let next = 1;
  const field = ({ children, ...rest }: FieldNode): NumberedField => ({
    ...rest,
    number: next++,
    children: children.map(field),
  });
  return layers.map(({ fields, ...rest }) => ({
    ...rest,
    number: next++,
    fields: fields.map(field),
  }));
}

interface Selected {
  readonly number: number;
  readonly label: string;
  readonly offset: number;
  readonly length: number;
}

/** Null when there is no field of this number. */
export function findField(layers: readonly NumberedLayer[], number: number): Selected | null {
  const inFields = (fields: readonly NumberedField[]): Selected | null => {
    for (const field of fields) {
      if (field.number === number) return field;
      const found = inFields(field.children);
      if (found !== null) return found;
    }
    return null;
  };
  for (const layer of layers) {
    if (layer.number === number) return layer;
    const found = inFields(layer.fields);
    if (found !== null) return found;
  }
  return null;
}

interface Props {
  readonly layers: readonly NumberedLayer[];
  /** Why the tree ends; "" when all is read. */
  readonly note: string;
  readonly bytes: Uint8Array;
  /** Bytes that were captured, which may be more than are shown. */
  readonly capturedLength: number;
  readonly selected: Selected | null;
  /** Of the server's page: each field leads to the page with it selected. */
  readonly path: string;
  readonly onSelect?: (number: number) => void;
  readonly onHover?: (number: number | null) => void;
}

export function PacketDetail(props: Props) {
  return (
    <div class="pk">
      <PacketFields {...props} />
      <PacketBytes {...props} />
    </div>
  );
}

function PacketFields(props: Props) {
  const { layers, note, capturedLength, onHover } = props;
  return (
    <section class="panel" id="fields">
      <header>
        <h2>Fields</h2>
        <p>{formatCount(capturedLength)} bytes captured</p>
      </header>
      <div class="tree" onMouseLeave={() => onHover?.(null)}>
        {layers.map((layer, index) => (
          <details key={layer.number} open={isOpen(layer, index, props)}>
            <summary>
              {layer.label}
              <small>{layer.summary}</small>
            </summary>
            {layer.fields.length > 0
              ? <FieldList fields={layer.fields} {...props} />
              : <p class="dim">{bytesText(layer)}, of which no fields are told.</p>}
            {layer.isCut && <p class="dim">It goes on behind what is told here.</p>}
          </details>
        ))}
        {note !== "" && <p class="dim">{note}</p>}
      </div>
    </section>
  );
}

/** The innermost header, and the one with the selected field. */
function isOpen(layer: NumberedLayer, index: number, { layers, selected }: Props): boolean {
  return index === layers.length - 1 || selected !== null && layer.number <= selected.number &&
      (layers[index + 1]?.number ?? Infinity) > selected.number;
}

function FieldList({ fields, ...props }: Props & { fields: readonly NumberedField[] }) {
  const { selected, path, onSelect, onHover } = props;
  return (
    <ul>
      {fields.map(({ number, name, label, value, offset, length, children }) => {
        const isSelected = number === selected?.number;
        return (
          <li key={number}>
            <a
              class="plain"
              href={`${path}?field=${number}#bytes`}
              aria-current={isSelected ? "true" : "false"}
              title={name}
              onClick={onSelect && ((event: MouseEvent) => {
                if (event.ctrlKey || event.metaKey || event.shiftKey) return;
                event.preventDefault();
                onSelect(number);
              })}
              onMouseEnter={() => onHover?.(number)}
              onFocus={() => onHover?.(number)}
              onBlur={() => onHover?.(null)}
            >
              <span>{label}</span>
              <span class="mono">{value}</span>
              <span class="at">{placeText(offset, length)}</span>
            </a>
            {children.length > 0 && <FieldList {...props} fields={children} />}
          </li>
        );
      })}
    </ul>
  );
}

/** "12" or "14–17": its bytes, from 0. */
function placeText(offset: number, length: number): string {
  return length <= 1 ? String(offset) : `${offset}–${offset + length - 1}`;
}

function bytesText({ offset, length }: { offset: number; length: number }): string {
  return length === 1
    ? `Byte ${offset}`
    : `Bytes ${placeText(offset, length).replace("–", " to ")}`;
}

const rowBytes = 16;

function PacketBytes({ bytes, capturedLength, selected }: Props) {
  const rows = Array.from({ length: Math.ceil(bytes.length / rowBytes) }, (_, row) => row);
  return (
    <section class="panel" id="bytes">
      <header>
        <h2>Bytes</h2>
        <p>
          {selected === null
            ? "select a field to mark its bytes"
            : `${bytesText(selected).toLowerCase()} marked: ${selected.label}`}
        </p>
      </header>
      <div class="scroll" tabIndex={0} role="region" aria-label="Bytes of the packet">
        <div class="hex">
          {rows.map((row) => <HexRow key={row} row={row} bytes={bytes} selected={selected} />)}
        </div>
      </div>
      {bytes.length < capturedLength && (
        <p class="note">
          The first {formatCount(bytes.length)} of {formatCount(capturedLength)}{" "}
          bytes; the capture file has all of them.
        </p>
      )}
    </section>
  );
}

function HexRow(
  { row, bytes, selected }: { row: number; bytes: Uint8Array; selected: Selected | null },
) {
  const start = row * rowBytes;
  const end = Math.min(bytes.length, start + rowBytes);
  const from = clamp(selected?.offset ?? start, start, end);
  const to = clamp(selected === null ? start : selected.offset + selected.length, from, end);
  return (
    <>
      <span class="o">{start.toString(16).padStart(4, "0")}</span>
      <Marked
        parts={[[start, from], [from, to], [to, end]]}
        isSpaced
        text={(at) => hexText(bytes, at, start)}
      />
      <span class="a">
        <Marked
          parts={[[start, from], [from, to], [to, end]]}
          text={(at) => asciiText(bytes[at]!)}
        />
      </span>
    </>
  );
}

type Part = readonly [number, number];

/** Three stretches, of which the middle one is marked. */
function Marked(
  { parts, text, isSpaced = false }: {
    parts: readonly [Part, Part, Part];
    text: (at: number) => string;
    isSpaced?: boolean;
  },
) {
  const textOf = ([from, to]: Part) => {
    let all = "";
    for (let at = from; at < to; at++) all += text(at);
    return all;
  };
  const [before, marked, after] = parts;
  // Of hexadecimal digits, the space before them is not theirs.
  const digits = textOf(marked);
  const own = isSpaced ? digits.trimStart() : digits;
  return (
    <span>
      {textOf(before)}
      {marked[1] > marked[0] && (
        <>
          {digits.slice(0, digits.length - own.length)}
          <mark>{own}</mark>
        </>
      )}
      {textOf(after)}
    </span>
  );
}

/** With a space before all but the first of a row, and one more in its middle. */
function hexText(bytes: Uint8Array, at: number, start: number): string {
  const place = at - start;
  const space = place === 0 ? "" : place === rowBytes / 2 ? "  " : " ";
  return space + bytes[at]!.toString(16).padStart(2, "0");
}

function asciiText(byte: number): string {
  return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·";
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
