import type { PageProps } from "fresh";

export default function Failed({ error }: PageProps) {
  return <h1>Failed: {(error as Error).message}</h1>;
}
