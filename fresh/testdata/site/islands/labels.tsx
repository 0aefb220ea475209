import { asset } from "fresh/runtime";

export function Label({ text }: { readonly text: string }) {
  return <b data-icon={asset("/img/a b.svg")}>{text}</b>;
}
export function Small({ text }: { readonly text: string }) {
  return <small>{text}</small>;
}
