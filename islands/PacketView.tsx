/** A packet's fields and bytes: without scripts fields are links, with them the pointer and the keys mark their bytes at once. */
import { useMemo, useState } from "preact/hooks";
import { findField, type NumberedLayer, PacketDetail } from "../components/PacketDetail.tsx";

interface Props {
  readonly layers: readonly NumberedLayer[];
  readonly note: string;
  /** Hexadecimal digits. */
  readonly hex: string;
  readonly capturedLength: number;
  /** Number of the selected field; 0 without one. */
  readonly field: number;
  /** Of the packet's page. */
  readonly path: string;
}

export default function PacketView({ layers, note, hex, capturedLength, field, path }: Props) {
  const [chosen, setChosen] = useState(field);
  const [hovered, setHovered] = useState<number | null>(null);
  const bytes = useMemo(() => bytesOf(hex), [hex]);
  const choose = (number: number) => {
    setChosen(number);
    history.replaceState(null, "", `${path}?field=${number}`);
    // One below the other, the bytes are out of sight.
    if (matchMedia("(max-width: 73.75em)").matches) {
      document.getElementById("bytes")?.scrollIntoView({ block: "start" });
    }
  };
  return (
    <PacketDetail
      layers={layers}
      note={note}
      bytes={bytes}
      capturedLength={capturedLength}
      selected={findField(layers, hovered ?? chosen)}
      path={path}
      onSelect={choose}
      onHover={setHovered}
    />
  );
}

function bytesOf(hex: string): Uint8Array {
  const bytes = new Uint8Array(hex.length >> 1);
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(hex.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}
