import { NoFindings } from "../components/NoFindings.tsx";
import { define } from "./(_server)/state.ts";

export default define.page(function Scans() {
  return <NoFindings title="No scans" path="/api/scans" />;
});
