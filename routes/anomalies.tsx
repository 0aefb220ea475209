import { NoFindings } from "../components/NoFindings.tsx";
import { define } from "./(_server)/state.ts";

export default define.page(function Anomalies() {
  return <NoFindings title="No anomalies" path="/api/anomalies" />;
});
