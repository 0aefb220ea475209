/** What pages and islands import on both sides. */
export { asset } from "./build_id.ts";
