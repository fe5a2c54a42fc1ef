"""Default prescriptions by condition, with the evidence behind them (section 4)."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from shared.clinical.activities import Family
from shared.clinical.conclusion import Cap


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of a template: activity families, sessions a week and minutes a session (both inclusive ranges)."""

    families: tuple[Family, ...]
    times_per_week: tuple[int, int]
    minutes: tuple[int, int] | None
    intensity: Cap
    may_progress_to: Cap


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A default prescription. `parts` go together unless `alternatives` is set; `weeks` None = no published end."""

    code: str
    version: str
    condition: str
    parts: tuple[Part, ...]
    alternatives: bool = False
    weeks: tuple[int, int | None]
    advice: str
    evidence: str
    source: str


def _part(
    families: tuple[Family, ...],
    times: tuple[int, int],
    minutes: tuple[int, int] | None,
    top: Cap = Cap.MODERATE,
) -> Part:
    return Part(families=families, times_per_week=times, minutes=minutes, intensity=Cap.MODERATE, may_progress_to=top)


_VERSION = "2026-11-23"
_MOVING = (Family.AEROBIC, Family.DANCE, Family.ANIMAL_ASSISTED)

_TABLE = (
    Template(
        code="depression",
        version=_VERSION,
        condition="depression",
        parts=(_part((*_MOVING, Family.RESISTANCE, Family.MIND_BODY), (3, 5), (30, 60), Cap.VIGOROUS),),
        weeks=(10, None),
        advice="group or supervised preferred; 10-12 weeks at least; strength and yoga are best tolerated",
        evidence="network meta-analysis, 218 trials, n=14,170: walk/jog g -0.62, yoga -0.55, strength -0.49, "
        "mixed aerobic -0.43, tai chi -0.42; effect grows with intensity",
        source="Noetel 2024 BMJ 384:e075847; NICE NG222; CMAJ PMC11073824; CANMAT toolkit",
    ),
    Template(
        code="anxiety",
        version=_VERSION,
        condition="anxiety",
        parts=(
            _part(_MOVING, (3, 3), (30, 45), Cap.VIGOROUS),
            # the source names no minutes for the resistance part
            _part((Family.RESISTANCE,), (2, 2), None),
        ),
        weeks=(8, 12),
        advice="progress to vigorous if tolerated",
        evidence="aerobic against waiting list SMD -0.41 (-0.70, -0.12), 15 trials, n=675; "
        "higher intensity does more than lower",
        source="Aylett 2018 PMC6048763",
    ),
    Template(
        code="adhd",
        version=_VERSION,
        condition="ADHD in adults",
        # "most days" is coded as five, the default of section 3.2
        parts=(_part(_MOVING, (5, 5), (20, 30)),),
        weeks=(6, None),
        advice="before demanding tasks; short, novel, prompted; 6-12 weeks or more",
        evidence="small gains in attention and inhibition; no significant effect on hyperactivity or impulsivity",
        source="Mehren 2019; PMID 38156611; Zhang 2026 J Atten Disord 30:677",
    ),
    Template(
        code="ptsd",
        version=_VERSION,
        condition="PTSD",
        parts=(
            _part((Family.AEROBIC, Family.RESISTANCE), (2, 3), (30, 45)),
            _part((Family.MIND_BODY,), (2, 3), (60, 60)),
        ),
        alternatives=True,
        weeks=(8, 12),
        advice="beside trauma-focused therapy; yoga only trauma-sensitive",
        evidence="exercise against control g -0.35 (4 trials, n=200); mind-body SMD -0.41 (-0.64, -0.19), 16 trials",
        source="Reis 2022 Fed Pract; PMC8833099; REAP 2011 BMC Psychiatry 11:115",
    ),
)

TEMPLATES: Mapping[str, Template] = MappingProxyType({template.code: template for template in _TABLE})
