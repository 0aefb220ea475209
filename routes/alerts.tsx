import { NoFindings } from "../components/NoFindings.tsx";
import { define } from "./(_server)/state.ts";

export default define.page(function Alerts() {
  return <NoFindings title="No alerts" path="/api/alerts" />;
});
