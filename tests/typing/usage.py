"""What users write, as a type checker sees it. Nothing of it is run: mypy and pyright have to accept all of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL.Image import Image
from typing_extensions import assert_type

import rivya_nb as rv


def connecting() -> None:
    assert_type(rv.__version__, str)
    session = rv.connect(base_url="sandbox", store=Path("store"), max_credits=100, max_parallel=8)
    assert_type(session, rv.Session)
    assert_type(session.balance(), int)
    assert_type(session.has_key, bool)
    session.close()


def asking(ratios: list[str], seeds: np.ndarray[Any, np.dtype[np.int64]], rows: pd.DataFrame) -> None:
    assert_type(rv.generate("A fox", seed=1), rv.Run)
    assert_type(rv.plan("A fox", seed=[1, 2], aspect_ratio="21:9", resolution=None), rv.Plan)
    rv.generate("A {dawn|dusk} sky", seed=range(1, 5), aspect_ratio=ratios, resolution=("1K", "2K"))
    rv.generate("A fox", seed=seeds, watermark=True, model=["wan-2-7-image-pro", "z-image"], repeat=2)
    rv.generate("A fox", seed=rows["seed"], guidance_scale=7.5, params={"model": "V5"})
    rv.generate(rows, prompt_column="text", coupled=("seed", "aspect_ratio"))
    rv.generate("A cat", references={"a": "a.png", "b": [Path("b.png"), b"..."]}, shrink_references=True)
    rv.generate(prompts=[{"prompt": "A fox", "kind": "animal"}], name="foxes", max_credits=500)
    planned = rv.plan("A fox", seed=None)
    assert_type(planned.credits, int)
    assert_type(planned.requests, tuple[rv.Request, ...])
    assert_type(planned.run(), rv.Run)
    assert_type(planned.defer(), rv.Run)
    assert_type(planned.to_toml(), str)
    assert_type(rv.read_plan("study.toml"), rv.Plan)
    assert_type(rv.plan(rv.recall("fox.png")), rv.Plan)


async def waiting() -> None:
    run = rv.generate("A fox", seed=1)
    assert_type(await run, rv.Run)
    assert_type(run.wait(timeout=60), rv.Run)
    assert_type(rv.resume(run, unsent=True), rv.Run)
    assert_type(rv.retry(run), rv.Run)
    assert_type(run.stop(), rv.Run)
    assert_type(run.id, int)
    assert_type(run.credits, int)
    assert_type(run.images, list[Image])
    for job in run:
        assert_type(job, rv.Job)
    assert_type(run[:2][0], rv.Job)
    assert_type(run.extend(seed=[3], light=["dawn"]), rv.Plan)


def looking(run: rv.Run) -> None:
    job = run[0]
    assert_type(job.image, Image | None)
    assert_type(job.path, Path | None)
    assert_type(job.seed, str | int | float | None)
    assert_type(job.status, str)
    assert_type(job.error, str | None)
    assert_type(job.media, tuple[rv.Media, ...])
    assert_type(job.vary("A wolf", seed=[7, 8], aspect_ratio="1:1"), rv.Plan)
    assert_type(job.again(), rv.Plan)
    assert_type(job.favourite().rate(4).tag("keep"), rv.Job)
    assert_type(run.rate(4), rv.Run)
    assert_type(rv.undo(), str)
    grid = run.grid(rows="seed", cols="aspect_ratio")
    assert_type(grid, rv.Grid)
    assert_type(grid.fill(), rv.Plan)
    grid.save("grid.png")
    run.save(Path("pictures"))
    run.report("report.html", title="For Anna")
    run.view()
    assert_type(run.to_pandas(), pd.DataFrame)


def finding() -> None:
    assert_type(rv.runs(41), rv.Run)
    assert_type(rv.runs()[-1], rv.Run)
    found = rv.history(prompt="fox", seed=range(1, 9), rating=4, tag=["keep"], since="7d", aspect_ratio="1:1")
    assert_type(found, rv.History)
    assert_type(found[0], rv.Job)
    assert_type(found[:10], rv.Selection)
    assert_type(found.page(1), rv.Selection)
    rv.models("wan", category="image")
    rv.panel("portraits").close()
    assert_type(rv.panel(), rv.Panel)


def studying(run: rv.Run) -> None:
    @rv.measure
    def redness(image: Image) -> float:
        return float(image.size[0])

    run.measure("sharpness", redness, rv.clip_score, rv.iqa("musiq"))
    ranking = run.rank(by="seed", rater="Anna")
    assert_type(ranking, rv.Ranking)
    ranking.write_page("judge.html")
    rv.import_votes("votes.json")
    run.export("study", format="bundle")
    rv.import_bundle("study")
    assert_type(rv.drift("canary", run), rv.Drift)
    rv.drift()
    print(run.methods().upper())


async def calling_the_service(request: rv.Request) -> None:
    async with rv.RivyaClient() as client:
        task = await client.generations.create(request)
        assert_type(task.id, str)
        assert_type((await client.credits.retrieve()).current_credits, int)


def failing() -> None:
    try:
        rv.generate("A fox").wait()
    except (rv.InvalidRequestError, rv.UsageError) as error:
        assert_type(error.mistakes[0].where, str)
    except rv.CreditLimitError as error:
        assert_type(error.enough, int | None)
    except rv.RateLimitedError as error:
        assert_type(error.retry_after, float | None)
    except (
        rv.ApiKeyMissingError,
        rv.ApiKeyInvalidError,
        rv.ApiKeyRevokedError,
        rv.ApiKeyExpiredError,
        rv.ApiScopeDeniedError,
        rv.ValidationFailedError,
        rv.InsufficientCreditsError,
        rv.NotFoundError,
        rv.IdempotencyConflictError,
        rv.PublicApiDisabledError,
        rv.GenerationFailedError,
    ) as error:
        assert_type(error.code, str)
    except rv.ApiError as error:
        assert_type(error.http_status, int | None)
    except (rv.NotDeliveredError, rv.UnexpectedResponseError, rv.TransportError, rv.PictureError):
        raise
    except (rv.NotConnectedError, rv.KeyringError, rv.StoreError, rv.RunFailedError):
        raise
    except rv.RivyaError:
        raise
    except rv.WaitInterruptedError:
        raise


def loading(shell: Any) -> None:
    rv.load_ipython_extension(shell)
    rv.unload_ipython_extension(shell)
