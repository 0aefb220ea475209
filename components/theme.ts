/** The three themes and the cookie that remembers one. */

const THEMES = ["system", "light", "dark"] as const;
export type Theme = typeof THEMES[number];
export const themeCookieName = "tapwatch_theme";
export const themeLabels: Readonly<Record<Theme, string>> = {
  system: "as the system has it",
  light: "light",
  dark: "dark",
};

export function nextTheme(theme: Theme): Theme {
  return THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length]!;
}

/** `text` as a theme; "system" for anything else. */
export function parseTheme(text: string | null): Theme {
  return THEMES.find((theme) => theme === text) ?? "system";
}

/** The cookie's line; a year, this site only. */
export function themeCookie(theme: Theme): string {
  return `${themeCookieName}=${theme}; Path=/; Max-Age=31536000; SameSite=Strict`;
}
