import { HttpError, type PageProps } from "fresh";

export const handler = (ctx: { params: Record<string, string> }) => {
  if (ctx.params.id === "bad") throw new HttpError(422, "bad id");
  return { data: {} };
};
export default function Host({ params }: PageProps) {
  return <h1>Host {params.id}</h1>;
}
