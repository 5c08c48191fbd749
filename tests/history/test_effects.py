"""What moves the pictures, as a user asks for it."""

from __future__ import annotations

import numpy as np
import pytest

import rivya_nb as rv
from history.studies import add_study, noisy
from rivya_nb.errors import UsageError
from rivya_nb.store.vote_records import RankingPair, RankingRecord, VoteRecord

DARKER = -0.15 / 2
"""By so much candles change the brightness: half of the picture is darker."""


def judge(session: rv.Session, votes: list[tuple[str, str, str]]) -> None:
    """Store votes: two jobs, and which of them was preferred."""
    jobs = tuple(dict.fromkeys(job for one, other, _ in votes for job in (one, other)))
    pairs = tuple(RankingPair(one, other) for one, other, _ in votes)
    drawn = RankingRecord("r" * 32, ("light",), 1000.0, jobs, pairs)
    session.store.votes.ranking(("light",), lambda record: False, lambda: drawn)
    session.store.votes.join(drawn.id, "A")
    for pair, (one, other, outcome) in enumerate(votes):
        session.store.votes.cast(
            VoteRecord(drawn.id, pair, one, other, outcome, "A", 1000.0 + pair, 2.0, False)
        )


@pytest.fixture
def study(session: rv.Session) -> rv.Run:
    return add_study(session, noisy())


def test_a_study_says_what_moves_a_measure_beside_the_noise(study: rv.Run) -> None:
    effects = study.effects("brightness", by="category")
    assert [row.name for row in effects.rows] == ["the very same request", "seed", "light", "seed × light"]
    assert effects.floor is effects.rows[0]
    light = effects.rows[2]
    assert light.share > 0.6
    assert light.interval is not None
    assert light.interval.low > effects.rows[0].share
    whole, *groups = effects.differences
    assert (whole.one, whole.other, whole.pairs, whole.prompts) == ("morning", "candle", 36, 12)
    assert whole.difference == pytest.approx(DARKER, abs=0.01)
    assert [each.group for each in groups] == ["animals", "rooms", "still life"]
    assert all(each.interval and each.interval.high < 0 for each in groups)
    shown = effects._repr_mimebundle_()
    for part in (
        "What moves brightness",
        "144 pictures · 12 prompts in 3 groups by category · 3 seeds · 2 lights",
    ):
        assert part in shown["text/plain"]
    assert "12 prompts are fewer than 30" in shown["text/html"]
    assert "corrected for each other (Holm)" in shown["text/html"]


def test_groups_that_only_seeds_could_be_divided_by_say_how_to_see_them(session: rv.Session) -> None:
    effects = add_study(session, noisy(), lights=("morning",)).effects("brightness", by="category")
    assert not effects.differences
    assert ".difference('seed', '1', '2', by='category')" in repr(effects)
    assert len(effects.difference("seed", "1", "2", by="category")) == 4


def test_its_table_has_all_that_is_shown(study: rv.Run) -> None:
    effects = study.effects("brightness")
    table = effects.to_pandas().set_index("name")
    assert table.loc["light", "value"] == effects.rows[2].share
    assert table.loc["light: candle − morning", "value"] == pytest.approx(DARKER, abs=0.01)
    assert table.loc["prompt", "kind"] == "share of the whole variance"
    assert (table["pictures"] == 144).all()


def test_a_grid_and_the_history_have_the_same_effects(study: rv.Run) -> None:
    asked = [pictures.effects("brightness") for pictures in (study, study.grid(), rv.history())]
    shares = [{row.name: round(row.share, 9) for row in each.rows} for each in asked]
    assert shares[0] == shares[1] == shares[2]


def test_distances_lie_apart_beyond_the_noise(session: rv.Session) -> None:
    run = add_study(session, noisy(prompts=4, seeds=2), prompts=4, seeds=2)
    effects = run.effects("structure")
    light = {row.name: row for row in effects.rows}["light"]
    assert light.share > 0.5
    assert light.interval is None
    assert effects.differences[0].difference > 0
    assert "as in PERMANOVA" in repr(effects)


def test_excluded_pictures_do_not_count(study: rv.Run) -> None:
    study[0].exclude("hand cut off")
    effects = study.effects("brightness")
    assert effects.pictures == 143
    assert "1 excluded picture left out" in repr(effects)


def test_pictures_without_a_number_are_left_out_and_told(session: rv.Session, study: rv.Run) -> None:
    @rv.measure(name="shy")
    def shy(image: object, request: rv.Request) -> float:
        if request.prompt.startswith("thing 0"):
            raise ValueError("too shy")
        return float(request.params["seed"])

    effects = study.effects(shy)
    assert effects.pictures == 132
    assert "12 pictures left out, without a number" in repr(effects)
    assert "too shy" in repr(effects)


def test_missing_pictures_are_missing_and_nothing_else(session: rv.Session) -> None:
    generator = np.random.default_rng(1)
    gone = generator.random((12, 3, 2, 2)) < 0.2
    run = add_study(session, noisy(), missing=lambda *place: bool(gone[place]))
    effects = run.effects("brightness")
    assert effects.pictures == 144 - gone.sum()
    assert effects.differences[0].difference == pytest.approx(DARKER, abs=0.01)


def test_one_prompt_has_a_test_and_no_interval(session: rv.Session) -> None:
    effects = add_study(session, noisy(prompts=1), prompts=1).effects("brightness")
    assert all(row.interval is None for row in effects.rows)
    assert effects.rows[2].chance is not None
    assert "One prompt is fewer than 30" in repr(effects)


def test_an_axis_with_one_value_says_what_to_do(session: rv.Session) -> None:
    run = add_study(session, noisy(), seeds=1, lights=("morning",), prompts=3)
    with pytest.raises(UsageError, match=r"seed has one value \(1\).*Plan at least two values"):
        run.effects("brightness")


def test_without_replicates_the_floor_is_not_known_and_that_is_said(session: rv.Session) -> None:
    effects = add_study(session, noisy(), replicates=1).effects("brightness")
    assert effects.floor is None
    assert effects.rows[0].name == "the rest"
    assert "There are no replicates, so the noise floor is not known" in repr(effects)


def test_wrong_names_are_told(study: rv.Run) -> None:
    with pytest.raises(UsageError, match="sharpnes"):
        study.effects("sharpnes")
    with pytest.raises(UsageError, match=r"no picture here has the fact 'categori'.*category"):
        study.effects("brightness", by="categori")
    with pytest.raises(UsageError, match="'ligth' is no axis here"):
        study.effects("brightness", prompts="ligth")
    with pytest.raises(UsageError, match="light has no value 'noon'"):
        study.effects("brightness").difference("light", "morning", "noon")
    with pytest.raises(UsageError, match="no votes between results of the same prompt"):
        study.effects("votes")


def test_any_two_values_can_be_compared(study: rv.Run) -> None:
    (found,) = study.effects("brightness").difference("seed", "1", "3")
    assert (found.one, found.other, found.pairs) == ("1", "3", 24)


def test_votes_are_moved_by_what_raters_prefer(session: rv.Session) -> None:
    run = add_study(session, noisy(), replicates=1)
    record = run.record
    at = {cell.coordinates[:3]: cell.job_id for cell in record.cells}
    votes = []
    for prompt in range(12):
        for seed in range(3):
            one, other = at[prompt, seed, 0], at[prompt, seed, 1]
            # The candle is preferred, but for one seed of each third prompt.
            outcome = "one" if seed == 0 and prompt % 3 == 0 else "other"
            votes.append((one, other, outcome))
    judge(session, votes)
    effects = run.effects("votes")
    assert [row.name for row in effects.rows] == ["the rest", "seed", "light"]
    assert effects.rows[2].share > 0.3
    assert effects.rows[2].chance is not None
    assert effects.rows[2].chance < 0.01
    assert effects.differences[0].difference == pytest.approx(32 / 36 - 0.5)
    assert "deviance of the votes" in repr(effects)


def test_a_plan_says_how_large_a_study_has_to_be(study: rv.Run) -> None:
    plan = rv.plan([f"thing {number}" for number in range(12)], seed=range(1, 4))
    power = plan.power(study, "brightness", 0.003)
    assert power.axis == "light"
    best = power.best
    assert best is not None
    assert best.pictures == best.prompts * best.seeds * 2
    assert best.credits == best.pictures * plan.requests[0].base_credits
    assert f"{best.prompts} prompts × {best.seeds} seed" in repr(power)
    assert f"{round(best.credits):,} credits" in power._repr_mimebundle_()["text/html"]
    assert power.to_pandas()["credits"].is_monotonic_increasing
    larger = plan.power(study, "brightness", 0.006)
    assert larger.best is not None
    assert larger.best.pictures < best.pictures
    with pytest.raises(UsageError, match="-1 is no size"):
        plan.power(study, "brightness", -1)
    with pytest.raises(UsageError, match="votes"):
        plan.power(study, "votes", 0.1)


def test_hostile_names_stay_text(session: rv.Session) -> None:
    run = add_study(session, noisy(), prompts=3, lights=("<script>alert(1)</script>", "</td>&"))
    shown = run.effects("brightness")._repr_mimebundle_()["text/html"]
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
