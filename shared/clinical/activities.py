"""The catalogue of activities with codes and MET values of the 2011 Compendium (section 3.5)."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

from shared.clinical.intensity import Intensity, Scale, intensity_of
from shared.clinical.refusals import UnknownCode

COMPENDIUM_YEAR = 2011
"""A 2024 Compendium changed values; a stored activity keeps the year that its value came from."""

SOURCE = "2011 Compendium, andyreagan/compendium-of-physical-activity@b9d1674"


class Family(StrEnum):
    """The families that programs are made of."""

    AEROBIC = "aerobic"
    RESISTANCE = "resistance"
    MIND_BODY = "mind-body"
    DANCE = "dance"
    ANIMAL_ASSISTED = "animal-assisted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """One activity. `code` is a five-digit string with leading zero; `proxy` = the value of a similar activity."""

    id: str
    code: str
    name: str
    met: Decimal
    family: Family
    proxy: bool = False
    compendium_year: int = COMPENDIUM_YEAR

    @property
    def intensity(self) -> Intensity:
        """The band of its MET value (section 3.3)."""
        return intensity_of(Scale.MET, self.met)


_TABLE: tuple[tuple[Family, tuple[tuple[str, str, str, str], ...]], ...] = (
    (
        Family.AEROBIC,
        (
            ("walk-slow", "17170", "3.0", "walk 2.5 mph"),
            ("walk", "17190", "3.5", "walk 2.8-3.2 mph"),
            ("brisk-walk", "17200", "4.3", "brisk walk 3.5 mph"),
            ("walk-fast", "17220", "5.0", "walk 4.0 mph"),
            ("jogging", "12020", "7.0", "jogging, general"),
            ("running-5", "12030", "8.3", "running 5 mph"),
            ("running-6", "12050", "9.8", "running 6 mph"),
            ("cycling-leisure", "01018", "3.5", "cycling 5.5 mph, leisure"),
            ("cycling-10", "01020", "6.8", "cycling 10-11.9 mph"),
            ("cycling", "01015", "7.5", "cycling, general"),
            ("stationary-bike-light", "02011", "3.5", "stationary bike 30-50 W"),
            ("stationary-bike", "02012", "6.8", "stationary bike 90-100 W"),
            ("swim-leisure", "18310", "6.0", "swimming, leisurely"),
            ("swim-laps", "18240", "5.8", "swimming laps, slow"),
        ),
    ),
    (
        Family.DANCE,
        (
            ("dance", "03031", "7.8", "dance, general (disco, folk, line)"),
            ("dance-cultural", "03025", "4.5", "cultural or salsa dance"),
            ("ballroom-slow", "03040", "3.0", "ballroom, slow"),
        ),
    ),
    (
        Family.MIND_BODY,
        (
            ("yoga-hatha", "02150", "2.5", "yoga, Hatha"),
            ("yoga-power", "02160", "4.0", "yoga, power"),
            ("yoga-sun-salutation", "02180", "3.3", "yoga, sun salutation"),
            ("yoga-breathing", "02170", "2.0", "yoga, breathing"),
            ("tai-chi", "15670", "3.0", "tai chi or qi gong"),
            ("tai-chi-seated", "15672", "1.5", "tai chi, seated"),
            ("stretching", "02101", "2.3", "stretching, mild"),
            ("pilates", "02105", "3.0", "pilates"),
        ),
    ),
    (
        Family.RESISTANCE,
        (
            ("weights", "02054", "3.5", "weights, 8-15 repetitions"),
            ("weights-vigorous", "02050", "6.0", "weights, vigorous"),
            ("squats", "02052", "5.0", "squats"),
            ("bodyweight-light", "02024", "2.8", "bodyweight exercise, light"),
            ("bodyweight", "02022", "3.8", "bodyweight exercise, moderate"),
        ),
    ),
    (
        Family.ANIMAL_ASSISTED,
        (
            ("dog-walking", "17165", "3.0", "dog walking"),
            ("animal-play-light", "05192", "3.0", "animal play, walking or running, light"),
            ("animal-play", "05193", "4.0", "animal play, walking or running, moderate"),
            ("animal-play-sitting", "05190", "2.5", "animal play, sitting"),
            ("horse-riding", "15400", "3.8", "horse riding, walk"),
        ),
    ),
)


def _catalogue() -> dict[str, Activity]:
    listed = {
        key: Activity(id=key, code=code, name=name, met=Decimal(met), family=family)
        for family, rows in _TABLE
        for key, code, met, name in rows
    }
    # resistance bands have no code of 2011; section 3.5 lends them that of weights
    bands = Activity(
        id="resistance-bands",
        code="02054",
        name="resistance bands",
        met=Decimal("3.5"),
        family=Family.RESISTANCE,
        proxy=True,
    )
    return {**listed, bands.id: bands}


ACTIVITIES: Mapping[str, Activity] = MappingProxyType(_catalogue())
"""Activities by our own id."""

_BY_CODE = {activity.code: activity for activity in ACTIVITIES.values() if not activity.proxy}


def activity(key: str) -> Activity:
    """The activity with our id (such as "brisk-walk") or with a Compendium code ("17200"), or UnknownCode."""
    found = ACTIVITIES.get(key) or _BY_CODE.get(key)
    if found is None:
        raise UnknownCode(f"the catalogue has no activity {key!r}")
    return found
