/** Scans: the page that detection will fill. */
import { page } from "fresh";
import { NoFindings } from "../components/NoFindings.tsx";
import { define } from "./(_server)/state.ts";

export const handler = define.handlers({ GET: () => page() });

export default define.page(function Scans() {
  return <NoFindings title="No scans" path="/api/scans" />;
});
