"""A notebook of marimo's. It has no magics: what a cell asks elsewhere, `rv.generate` asks here."""

import marimo

app = marimo.App(width="full")


@app.cell
def _():
    import rivya_nb as rv

    return (rv,)


@app.cell
def _(rv):
    bottles = rv.generate("A glass bottle", seed=[1, 2], aspect_ratio=["1:1", "16:9"], resolution="1K").wait()
    bottles  # noqa: B018  # the value that the cell shows
    return (bottles,)


@app.cell
async def _(rv):
    awaited = await rv.generate("A jug", seed=[23, 24], resolution="1K")
    awaited  # noqa: B018
    return (awaited,)


@app.cell
def _(awaited, bottles):
    counted = f"{len(bottles.images)} and {len(awaited.images)} pictures"
    counted  # noqa: B018
    return


@app.cell
def _(bottles):
    bottles.view()
    return


@app.cell
def _(rv):
    rv.panel()
    return


if __name__ == "__main__":
    app.run()
