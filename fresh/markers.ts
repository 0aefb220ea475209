/** The comments by which the browser finds islands and slots in the server's HTML. */

export const ISLAND_START = "frsh:island:";
export const ISLAND_END = "/frsh:island";
export const SLOT_START = "frsh:slot:";
export const SLOT_END = "/frsh:slot";

/** A slot as island props carry it over the wire. */
export interface SlotRef {
  readonly name: string;
  readonly id: number;
}
/** Id of the template that holds a slot which its island did not render. */
export function templateId({ id, name }: SlotRef): string {
  return `frsh-${id}-${name}`;
}
