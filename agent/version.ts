/** The version of tapwatch, as `tapwatch version`, the database and the dashboard show it. */
export const VERSION = "0.1.0";
