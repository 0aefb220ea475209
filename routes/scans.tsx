/** Scans of the database. */
import { findingList } from "./(_server)/finding_list.tsx";

const list = findingList("scans");
export const handler = list.handler;
export default list.Page;
