/** Why a window stands out: its weightiest features, each against its usual range. */
import type { TopFeature } from "../agent/records.ts";
import {
  featureHint,
  featureLabel,
  featureScaleEnd,
  featureValue,
  usualRange,
  usualText,
} from "./feature_text.ts";
import { unknown } from "./format.ts";
import { RangeGlyph } from "./RangeGlyph.tsx";

interface Props {
  readonly features: readonly TopFeature[];
  /** Of the finding; colours what is not usual. */
  readonly severity: string;
}

export function WhyList({ features, severity }: Props) {
  const rows = features.toSorted((a, b) =>
    Number(isUsual(a)) - Number(isUsual(b)) || b.contribution - a.contribution
  );
  return (
    <ul class={`why is-${severity}`}>
      {rows.map((feature) => <WhyRow key={feature.name} feature={feature} />)}
    </ul>
  );
}

function isUsual({ value, typical: [low, high] }: TopFeature): boolean {
  return value === null || (value >= low && value <= high);
}

function WhyRow({ feature }: { feature: TopFeature }) {
  const { name, value, typical, contribution } = feature;
  const share = `${Math.round(contribution * 100)}\u00a0% of the weight`;
  const usual = value === null ? "not seen in this window" : usualText(name, value, typical);
  const text = value === null ? unknown : featureValue(name, value);
  const most = featureScaleEnd(name, value ?? 0, typical);
  return (
    <li class={isUsual(feature) ? "norm" : ""}>
      <div class="k">
        <b>{featureLabel(name)}</b>
        <small>{featureHint(name)}</small>
        <small>{share}</small>
      </div>
      <div class="g">
        {value !== null && (
          <>
            <RangeGlyph
              value={value}
              typical={typical}
              most={most}
              label={`${featureLabel(name)}: ${text}, ${usualRange(name, typical)}`}
            />
            <div class="axis" aria-hidden="true">
              <span>0</span>
              <span>{usualRange(name, typical)}</span>
              <span>{featureValue(name, most)}</span>
            </div>
          </>
        )}
      </div>
      <div class="v">
        <b>{text}</b>
        <small>{usual}</small>
      </div>
    </li>
  );
}
