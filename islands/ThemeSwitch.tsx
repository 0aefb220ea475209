/**
 * Light, dark, or as the system has it. The choice is a cookie that the server reads, so no page ever starts in the
 * wrong theme; without JavaScript the button posts it.
 */
import { useState } from "preact/hooks";
import { Icon } from "../components/Icon.tsx";
import { nextTheme, type Theme, themeCookie, themeLabels } from "../components/theme.ts";

interface Props {
  readonly theme: Theme;
  /** Where a page without JavaScript comes back to. */
  readonly path: string;
}

export default function ThemeSwitch({ theme: initial, path }: Props) {
  const [theme, setTheme] = useState(initial);
  const next = nextTheme(theme);
  const choose = (event: Event) => {
    event.preventDefault();
    document.cookie = themeCookie(next);
    if (next === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
    setTheme(next);
  };
  const label = `Theme: ${themeLabels[theme]}. Switch to: ${themeLabels[next]}.`;
  return (
    <form method="post" action="/theme" onSubmit={choose}>
      <input type="hidden" name="theme" value={next} />
      <input type="hidden" name="back" value={path} />
      <button type="submit" class="btn quiet icon" aria-label={label} title={label}>
        <Icon name="theme" />
      </button>
    </form>
  );
}
