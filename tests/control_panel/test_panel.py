"""The panel as a whole, against the sandbox over a real socket."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest
from control_panel.conftest import ASKED, generate, start, until
from ipywidgets.widgets.widget import _instances
from PIL import Image

import rivya_nb as rv
from rivya_nb.control_panel.form_state import FormState
from rivya_nb.control_panel.panel import Panel
from rivya_nb.store.credit_limits import EVERYBODY, CreditLimit


def test_generate_waits_for_a_prompt_and_says_so(opened: Callable[..., Panel]) -> None:
    panel = opened()
    until(lambda: "prompt" in panel.reason)
    assert panel.generate.disabled
    panel.model.put(ASKED)
    until(lambda: not panel.generate.disabled)
    assert "2 pictures" in panel.summary
    assert "24 credits" in panel.summary


def test_generate_names_everything_that_it_waits_for(opened: Callable[..., Panel]) -> None:
    panel = opened()
    panel.model.put(FormState(params={"seed": "1..x"}, several=frozenset({"seed"})))
    until(lambda: "Generate waits for the prompt and the seed" in panel.reason)


def test_what_is_over_the_limit_is_refused_before_the_click(opened: Callable[..., Panel]) -> None:
    panel = opened()
    panel.model.put(
        FormState(prompt="a cat", params={"seed": "1..9"}, several=frozenset({"seed"}), max_credits=100)
    )
    until(lambda: "credit limit of 108" in panel.reason)
    assert "9 pictures" in panel.summary
    assert "108 credits" in panel.summary
    assert panel.generate.disabled


def test_what_is_over_a_limit_of_the_store_is_refused_before_the_click(
    session: rv.Session, opened: Callable[..., Panel]
) -> None:
    session.store.credit_limits.set(CreditLimit(EVERYBODY, "day", 20))
    panel = opened()
    panel.model.put(ASKED)
    why = "Generate waits: 24 credits more would pass the limit of the whole store of 20 credits a day: 0 are used"
    until(lambda: why in panel.reason)
    assert panel.generate.disabled
    session.store.credit_limits.unset(EVERYBODY, None)
    panel.model.request_plan()
    until(lambda: not panel.generate.disabled)


def test_a_run_of_the_panel_is_a_run_of_the_session(
    session: rv.Session, opened: Callable[..., Panel]
) -> None:
    panel = opened()
    run = generate(panel, ASKED)
    assert [job.seed for job in run] == [1, 2]
    assert session.run(run.id) is run
    assert len(session.history()) == 2
    until(lambda: "0 credits · 2 from the history" in panel.summary)


def test_what_is_not_known_of_a_model_is_said_beside_the_price(opened: Callable[..., Panel]) -> None:
    panel = opened()
    panel.model.put(FormState(models=("seedream-4-0",), prompt="a cat"))
    until(lambda: "not known of seedream-4-0" in panel.summary and "the service decides" in panel.summary)


def test_a_run_stands_in_the_rows_and_columns_that_were_chosen(opened: Callable[..., Panel]) -> None:
    panel = opened()
    run = generate(panel, replace(ASKED, prompt="a {cat|dog}", rows="prompt"))
    rows = re.findall(r'scope="row".*?<bdi>(.*?)</bdi>', run.look()["text/html"])
    assert rows == ["cat", "dog"]


def test_runs_queue_up_beside_each_other(opened: Callable[..., Panel]) -> None:
    panel = opened()
    runs = [
        generate(panel, FormState(prompt=text, params={"resolution": "1K"})) for text in ("a cat", "a dog")
    ]
    assert [run.id for run in panel.runs] == [run.id for run in reversed(runs)]
    assert all(len(run.images) == 1 for run in runs)


def test_a_failed_picture_is_asked_for_again_from_its_row(opened: Callable[..., Panel]) -> None:
    panel = opened()
    asked = FormState(prompt="a cat sandbox:fail(seed=2)", params={"seed": "1..2", "resolution": "1K"})
    run = generate(panel, replace(asked, several=frozenset({"seed"})))
    assert [job.status for job in run] == ["succeeded", "failed"]
    failed = run[1].id
    row = panel.rows[0]
    until(lambda: row.retry.layout.display != "none")
    row.retry.click()
    until(lambda: run[1].id != failed and run[1].status == "failed")
    until(lambda: row.retry.layout.display != "none")


def test_a_mistake_of_our_own_is_told_and_ends_nothing(
    opened: Callable[..., Panel], caplog: pytest.LogCaptureFixture
) -> None:
    panel = opened()
    run = generate(panel, ASKED)
    said: list[dict[str, Any]] = []
    panel.tabs.widget.send = lambda content, buffers=None: said.append(content)
    panel.gallery.receive({"kind": "rate", "jobs": [run[0].id], "rating": object()})
    panel.gallery.receive({"kind": "ask", "place": "no number"})
    until(lambda: any("mistake of rivya_nb itself" in str(each.get("text")) for each in said))
    assert "Traceback" in caplog.text
    said.clear()
    panel.gallery.receive({"kind": "ask"})
    until(lambda: any(each["kind"] == "page" for each in said))


def test_only_the_latest_ended_runs_keep_a_row(
    opened: Callable[..., Panel], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rivya_nb.control_panel.model.MOST_ENDED", 2)
    panel = opened()
    runs = [generate(panel, replace(ASKED, prompt=f"cat {number}")) for number in range(4)]
    assert [run.id for run in panel.runs] == [runs[3].id, runs[2].id]


def test_a_panel_finds_its_state_again_by_its_name(opened: Callable[..., Panel]) -> None:
    first = opened("study")
    first.model.put(ASKED)
    until(lambda: not first.generate.disabled)
    first.close()
    again = opened("study")
    assert again.model.form == ASKED
    assert opened("other").model.form == FormState()


def test_a_closed_panel_leaves_no_widget_behind(opened: Callable[..., Panel]) -> None:
    before = set(_instances)
    panel = opened()
    generate(panel, ASKED)
    panel.form.model.put(["seedream-4-0"])
    panel.close()
    assert [_instances[model] for model in set(_instances) - before] == []


def test_a_panel_that_was_opened_again_keeps_its_state_from_the_one_before(
    session: rv.Session, opened: Callable[..., Panel]
) -> None:
    before = opened()
    before.model.put(replace(ASKED, prompt="before"))
    until(lambda: not before.generate.disabled)
    opened().model.put(replace(ASKED, prompt="now"))

    def kept() -> object:
        return (session.store.panel_states.get("main") or {}).get("prompt")

    until(lambda: kept() == "now")
    before.model._planned()  # as its balance comes in, or a run of its own ends
    assert kept() == "now"


def test_what_costs_more_than_there_is_says_so(opened: Callable[..., Panel]) -> None:
    panel = opened()
    panel.model.put(replace(ASKED, params={"seed": "1..2000"}, max_credits=100_000))
    until(lambda: re.search(r"[\d,]+ more than there are", panel.summary))


def test_two_panels_do_not_disturb_each_other(opened: Callable[..., Panel]) -> None:
    one, other = opened("one"), opened("other")
    other.model.put(FormState(prompt="mine"))
    generate(one, ASKED)
    assert other.model.form.prompt == "mine"
    assert other.runs == []
    one.close()
    assert generate(other, FormState(prompt="mine", params={"resolution": "1K"})).images


def test_the_gallery_shows_rates_recalls_and_gives_code(opened: Callable[..., Panel]) -> None:
    panel = opened()
    run = generate(panel, ASKED)
    ids = [job.id for job in run]
    said: list[tuple[dict[str, Any], list[bytes]]] = []
    panel.tabs.widget.send = lambda content, buffers=None: said.append((content, buffers or []))

    def ask(**content: Any) -> tuple[dict[str, Any], list[bytes]]:
        said.clear()
        panel.gallery.receive(content)
        until(lambda: answers())
        return answers()[0]

    def answers() -> list[tuple[dict[str, Any], list[bytes]]]:
        return [each for each in said if each[0]["kind"] not in ("stale", "check", "words")]

    page, pictures = ask(kind="ask", number=1, prompt="glass")
    assert (page["total"], len(page["items"]), len(pictures)) == (2, 2, 2)
    assert all(Image.open(BytesIO(data)).format == "WEBP" for data in pictures)
    ask(kind="rate", jobs=ids[:1], rating=4)
    assert ask(kind="ask", number=2, rating=4)[0]["items"][0]["job"] == ids[0]
    same = {"kind": "ask", "number": 2, "rating": 4, "known": ask(kind="ask", number=2, rating=4)[0]["known"]}
    assert panel.gallery._page(same) is None
    run[0].rate(5)
    assert panel.gallery._page(same) is not None
    code, _ = ask(kind="code", jobs=ids)
    assert code["cells"] == ["%%rivya seed=1,2 resolution=1K\na glass bottle"]
    # Where the page is narrow, the form is far from the gallery.
    assert ask(kind="recall", jobs=ids[1:])[0]["text"] == "Its settings are in the form now"
    assert panel.model.form.params.get("seed") == "2"
    assert ask(kind="reference", jobs=ids)[0]["text"] == "Handed 2 pictures to the references"
    assert ask(kind="delete", jobs=ids)[0]["text"] == "Deleted 2 pictures"
    after, _ = ask(kind="ask", number=3, chosen=[*ids, "nobody"])
    assert (after["total"], after["gone"]) == (0, [*ids, "nobody"])
    wrong, _ = ask(kind="rate", jobs=ids, rating=9)
    assert wrong["wrong"]


def test_who_leafs_fast_waits_for_the_last_page_only(opened: Callable[..., Panel]) -> None:
    panel = opened()
    generate(panel, ASKED)
    said: list[dict[str, Any]] = []
    panel.tabs.widget.send = lambda content, buffers=None: said.append(content)
    for number in range(1, 101):
        panel.gallery.receive({"kind": "ask", "number": number, "view": 7})
    until(lambda: any(each.get("number") == 100 for each in said))
    assert sum(each["kind"] == "page" for each in said) < 50


def test_a_message_of_another_shape_does_no_harm(opened: Callable[..., Panel]) -> None:
    panel = opened()
    shapes = ({}, {"kind": "no such"}, {"kind": "recall", "jobs": 3}, {"kind": "reference", "jobs": {}})
    for content in (None, [], {"tab": "none"}, *({**each, "tab": "gallery"} for each in shapes)):
        panel.tabs.widget._handle_custom_msg(content, [])
    panel.tabs.widget._handle_custom_msg({"kind": "close", "tab": "gallery"}, [])
    assert generate(panel, ASKED).images


def test_a_recall_says_what_it_replaced_and_can_be_taken_back(opened: Callable[..., Panel]) -> None:
    panel = opened()
    run = generate(panel, ASKED)
    recalled = panel.form.recall_line
    assert recalled.text == ""
    mine = FormState(prompt="something of mine", params={"seed": "5"}, name="study")
    panel.model.put(mine)
    panel.gallery.receive({"kind": "recall", "jobs": [run[0].id]})
    until(lambda: "Settings recalled, in place of the prompt and the seed<" in recalled.text)
    assert panel.model.form.params == {"seed": "1", "resolution": "1K"}
    panel.model.put(replace(panel.model.form, prompt="typed since"))
    recalled.button.click()
    until(lambda: "What stood in the form before is there again" in recalled.text)
    assert panel.model.form == mine
    recalled.button.click()
    until(lambda: "Settings recalled once more" in recalled.text)
    assert panel.model.form.prompt == "typed since"
    start(panel, panel.model.form)
    until(lambda: recalled.text == "")
    assert recalled.widget.layout.display == "none"
