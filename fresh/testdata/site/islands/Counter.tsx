import { useState } from "preact/hooks";
import { Label } from "./labels.tsx";

interface Props {
  readonly id: string;
  readonly start: number;
  readonly tags?: readonly (string | undefined)[];
}

export default function Counter({ id, start, tags = [] }: Props) {
  const [count, setCount] = useState(start);
  return (
    <button id={id} type="button" onClick={() => setCount(count + 1)}>
      <Label text={`Count ${count}`} /> {tags.map((tag) => tag ?? "none").join(" ")}
    </button>
  );
}
