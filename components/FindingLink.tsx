/** A finding as a row of the overview: badge, sentence, what was unusual, time. The whole row is one link. */
import type { Finding, TopFeature } from "../agent/records.ts";
import { featureLabel, featureScaleEnd, featureValue } from "./feature_text.ts";
import { circumstances, whenText } from "./finding_text.ts";
import { findingPath, isGrave } from "./findings.ts";
import { Severity } from "./Icon.tsx";
import { RangeGlyph } from "./RangeGlyph.tsx";

interface Props {
  readonly finding: Finding;
  readonly nowUs: number;
  readonly zone: string;
}

/** Range glyphs in a row. */
const glyphsMax = 2;

export function FindingLink({ finding, nowUs, zone }: Props) {
  const { severity, anomaly } = finding;
  const { time, note } = whenText(finding, nowUs, zone);
  const features = (anomaly?.topFeatures ?? []).filter(hasValue).slice(0, glyphsMax);
  const tint = isGrave(finding) ? `is-${severity}` : `is-${severity} plain-row`;
  return (
    <a class={`finding ${tint}`} href={findingPath(finding)}>
      <Severity level={severity} />
      <div class="tx">
        <h3>{finding.reason}</h3>
        <p>{circumstances(finding)}</p>
      </div>
      <div class="ev" aria-hidden="true">
        {features.map((feature) => <Evidence key={feature.name} feature={feature} />)}
      </div>
      <div class="when">
        <b>{time}</b> {note}
      </div>
    </a>
  );
}

function hasValue(feature: TopFeature): feature is TopFeature & { readonly value: number } {
  return feature.value !== null;
}

function Evidence({ feature }: { feature: TopFeature & { readonly value: number } }) {
  const { name, value, typical } = feature;
  return (
    <>
      <span>{featureLabel(name)}</span>
      <RangeGlyph value={value} typical={typical} most={featureScaleEnd(name, value, typical)} />
      <b>{featureValue(name, value)}</b>
    </>
  );
}
