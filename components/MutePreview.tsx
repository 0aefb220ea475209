/** What of the last seven days a mute would have held back. */
import { formatWhen } from "./format.ts";
import { Severity } from "./Icon.tsx";
import { type PreviewMessage, previewText } from "./mute_fields.ts";

interface Props {
  readonly preview: PreviewMessage;
  readonly nowUs: number;
  readonly zone: string;
}

export function MutePreview({ preview, nowUs, zone }: Props) {
  const { count, graveCount, rows } = preview;
  return (
    <div class={graveCount > 0 ? "preview risk" : "preview"} role="status">
      <p>
        <b>{previewText(preview)}</b>
      </p>
      {rows.length > 0 && (
        <div class="scroll">
          <table class="tbl cards episodes">
            <tbody>
              {rows.map(({ path, timeUs, severity, headline }, index) => (
                <tr key={index}>
                  <td class="dim time">{formatWhen(timeUs, nowUs, zone)}</td>
                  <td class="level">
                    <Severity level={severity} />
                  </td>
                  <td class="grow w2" title={headline}>
                    <a class="plain" href={path}>{headline}</a>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {rows.length < count && <p class="more dim">The newest {rows.length} are listed.</p>}
    </div>
  );
}
