/** Anomalies and other findings of the database. */
import { findingList } from "./(_server)/finding_list.tsx";

const list = findingList("anomalies");
export const handler = list.handler;
export default list.Page;
