"""Build the site: ``python -m docs.build.site [--run RUN]``, strictly, without a network.

The pages are ``docs/*.md`` as they are. Beside them are made: the reference of the configuration
from its schema, the reference of the Python names from their docstrings, and the gallery and the
notebook from scripts that are run here, with every figure that they draw. Some scripts look at a
run; without ``--run`` one is made of the example ``tiny``, and kept in ``build/site/run``.
"""

import argparse
import ast
import contextlib
import html
import io
import json
import logging
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
OUT = ROOT / "build" / "site"
LEFT_OUT = ("build", "gallery", "features_intro.md")
ABOUT = ("README", "CHANGELOG", "CONTRIBUTING", "NOTICE", "LICENSE")
LINK = re.compile(
    r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(((?!https?:|mailto:|#)[^)#\s]+)(#[^)\s]*)?\)"
)
PICTURES = (".png", ".jpg", ".svg")
CELL = re.compile(r"^# %%(?: \[markdown\])?.*$", re.MULTILINE)


def main() -> None:
    """Build the site."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--run", type=Path, help="a run of the example tiny")
    asked.add_argument("--out", type=Path, default=OUT, help="folder of the site")
    options = asked.parse_args()
    began = time.monotonic()
    run = options.run.resolve() if options.run else example_run(OUT / "run")
    source = OUT / "source"
    shutil.rmtree(source, ignore_errors=True)
    copy_pages(source)
    write(source / "configuration.md", configuration_page())
    write(source / "reference.md", reference_page())
    with scripts_environment(run):
        gallery_pages(source)
        notebook_page(source)
    build(source, options.out / "html")
    print(f"{options.out / 'html' / 'index.html'}: {time.monotonic() - began:.0f} s")  # noqa: T201


def example_run(place: Path) -> Path:
    """Return a run of the example ``tiny``, made once."""
    run = place / "runs" / "tiny"
    minerisk = [sys.executable, "-m", "minerisk"]
    if not (place / "own" / "tiny.yaml").is_file():
        subprocess.run([*minerisk, "example", "tiny", "--out", place / "own"], check=True, cwd=ROOT)
    config = place / "own" / "tiny.yaml"
    subprocess.run([*minerisk, "run", config, "--out", run], check=True, cwd=ROOT)
    return run


def copy_pages(source: Path) -> None:
    """Copy the pages and their pictures, with links that the site can follow."""
    for path in sorted(DOCS.rglob("*")):
        name = path.relative_to(DOCS).as_posix()
        if name.startswith(LEFT_OUT) or path.is_dir():
            continue
        if path.suffix == ".md":
            write(source / name, linked(path.read_text(encoding="utf-8"), path, source / name))
        elif path.suffix in PICTURES:
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, source / name)
    copy_script(source)
    readme = ROOT / "README.md"
    write(
        source / "readme.md",
        linked(readme.read_text(encoding="utf-8"), readme, source / "readme.md"),
    )


def copy_script(source: Path) -> None:
    """Copy the script by which the search runs where the site is opened as a file."""
    (source / "assets").mkdir(parents=True, exist_ok=True)
    shutil.copy(DOCS / "build" / "iframe-worker.js", source / "assets")


def linked(text: str, page: Path, target: Path) -> str:
    """Rewrite links of a page: what is no page of the site becomes the name of a file."""

    def rewrite(found: re.Match[str]) -> str:
        mark, words, link, anchor = found.groups()
        place = (page.parent / link).resolve()
        if place == ROOT / "README.md":
            goal = target.parents[len(target.relative_to(OUT / "source").parts) - 1] / "readme.md"
            return f"[{words}]({os.path.relpath(goal, target.parent)}{anchor or ''})"
        if (made := made_from(place)) is not None:
            goal = OUT / "source" / made
            return f"[{words}]({os.path.relpath(goal, target.parent)})"
        inside = place.is_relative_to(DOCS) and not place.relative_to(DOCS).as_posix().startswith(
            LEFT_OUT
        )
        if inside and place.suffix in (".md", *PICTURES):
            goal = OUT / "source" / place.relative_to(DOCS)
            return f"{mark}[{words}]({os.path.relpath(goal, target.parent)}{anchor or ''})"
        if not place.is_relative_to(ROOT):
            return words
        return f"{words} (`{place.relative_to(ROOT).as_posix()}`)"

    return LINK.sub(rewrite, text)


def made_from(place: Path) -> str | None:
    """Return the page that this build makes of a file, if it makes one."""
    pages = {
        ROOT / "configs" / "schema.json": "configuration.md",
        ROOT / "minerisk" / "__init__.py": "reference.md",
        DOCS / "gallery" / "notebook" / "first_map.py": "notebook.md",
        DOCS / "gallery": "gallery/index.md",
    }
    if place.parent == DOCS / "gallery" and place.suffix == ".py":
        return f"gallery/{place.stem}.md"
    return pages.get(place)


def configuration_page() -> str:
    """Write the reference of the configuration from its schema: a sentence for every setting."""
    schema = json.loads((ROOT / "configs" / "schema.json").read_text(encoding="utf-8"))
    parts = [("A study area", schema), *schema["$defs"].items()]
    lines = [
        "# Configuration",
        "",
        "Every setting of a study area, made from `configs/schema.json`. What has no default "
        "must be given; a setting that is not known is refused with the nearest that is. "
        "`minerisk init` writes a first file, `minerisk validate` checks one, and "
        "`configs/defaults.yaml` lists all defaults.",
    ]
    for name, part in parts:
        rows = [_setting(key, value, part) for key, value in part.get("properties", {}).items()]
        if rows:
            lines += ["", f"## {name}", "", part.get("description", ""), ""]
            lines += [
                "| setting | type | default | what it is |",
                "| --- | --- | --- | --- |",
                *rows,
            ]
    return "\n".join(lines) + "\n"


def _setting(name: str, value: Mapping[str, Any], part: Mapping[str, Any]) -> str:
    default = "**required**" if name in part.get("required", ()) else ""
    if "default" in value:
        given = value["default"]
        plain = not isinstance(given, dict) or not given
        default = f"`{json.dumps(given, ensure_ascii=False)}`" if plain else "its own defaults"
    words = value.get("description", "").replace("|", "\\|").replace("\n", " ")
    assert words, f"{name} has no description"
    return f"| `{name}` | {_type(value)} | {default.replace('|', '&#124;')} | {words} |"


def _type(value: Mapping[str, Any]) -> str:
    if "$ref" in value:
        name = value["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    for joined in ("anyOf", "oneOf", "allOf"):
        if joined in value:
            return " or ".join(dict.fromkeys(_type(one) for one in value[joined]))
    if "enum" in value:
        return " or ".join(f"`{one}`" for one in value["enum"])
    if "const" in value:
        return f"`{value['const']}`"
    if value.get("type") == "array":
        inner = value.get("items") or {}
        return f"list of {_type(inner)}" if inner else "list"
    if value.get("type") == "object":
        inner = value.get("additionalProperties")
        return f"mapping to {_type(inner)}" if isinstance(inner, dict) else "mapping"
    return {"null": "none", "string": "text"}.get(
        str(value.get("type")), str(value.get("type", "any"))
    )


def reference_page() -> str:
    """Write the page of Python names; mkdocstrings reads their docstrings where they are."""
    tree = ast.parse((ROOT / "minerisk" / "__init__.py").read_text(encoding="utf-8"))
    homes = {
        alias.name: item.module
        for block in tree.body if isinstance(block, ast.If)
        for item in block.body if isinstance(item, ast.ImportFrom)
        for alias in item.names
    }  # fmt: skip
    lines = [
        "# Python reference",
        "",
        "The names of `minerisk`, from their docstrings; [api.md](api.md) says what each group is "
        "for and what is stable.",
    ]
    lines += [f"\n::: {_home(str(module), name)}.{name}" for name, module in sorted(homes.items())]
    lines += [
        f"\n::: minerisk.pipelines.notebook.axes_plots.{name}"
        for name in ("folds", "nearest_distances", "reliability", "capture", "dissimilarity")
    ]
    return "\n".join(lines) + "\n"


def _home(module: str, name: str) -> str:
    """Return the module that defines a name, where a package only offers it."""
    import importlib

    return str(getattr(importlib.import_module(module), name).__module__)


@contextlib.contextmanager
def scripts_environment(run: Path) -> Iterator[None]:
    """Set what scripts of the gallery read: a run, and where the pages are."""
    import matplotlib as mpl

    mpl.use("Agg")
    known = {"GALLERY_RUN": str(run), "GALLERY_DOCS": str(DOCS),
             "GALLERY_CONFIG": str(OUT / "run" / "own" / "tiny.yaml")}  # fmt: skip
    os.environ.update(known)
    yield


def gallery_pages(source: Path) -> None:
    """Run every script of the gallery, and make a page of each."""
    listed = [
        "# Gallery",
        "",
        "Short scripts, run when this site was built; what they print and draw is theirs. Findings "
        "are SIMULATED or made up. Those that look at a run take `runs/tiny` where they are "
        "started; `minerisk example tiny --out my_first` and `minerisk run my_first/tiny.yaml "
        "--out runs/tiny` make it in about two minutes.",
        "",
    ]
    for path in sorted((DOCS / "gallery").glob("*.py")):
        text = path.read_text(encoding="utf-8")
        words = ast.get_docstring(ast.parse(text)) or path.stem
        title, _, rest = words.partition("\n")
        code = text.split('"""', 2)[2].strip()
        began = time.monotonic()
        printed, drawn = executed(code, {"__name__": "__main__"}, source / "gallery", path.stem)
        took = time.monotonic() - began
        target = source / "gallery" / f"{path.stem}.md"
        page = [
            f"# {title}",
            "",
            linked(rest.strip(), path, target),
            "",
            f"```python\n{code}\n```",
            "",
        ]
        page += [f"```text\n{printed.rstrip()}\n```", ""] if printed.strip() else []
        page += [f"![what it draws]({name})" for name in drawn]
        page += ["", f"`docs/gallery/{path.name}`, {took:.0f} s"]
        write(target, "\n".join(page) + "\n")
        listed.append(f"- [{title}]({path.stem}.md)")
    write(source / "gallery" / "index.md", "\n".join(listed) + "\n")


def executed(code: str, names: dict[str, Any], folder: Path, stem: str) -> tuple[str, list[str]]:
    """Run code, and return what it printed and the names of the figures that it drew."""
    from matplotlib import pyplot as plt

    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, stem, "exec"), names)
    drawn = []
    folder.mkdir(parents=True, exist_ok=True)
    for number in plt.get_fignums():
        name = f"{stem}_{number}.png"
        plt.figure(number).savefig(folder / name, dpi=110, metadata={"Software": None})
        drawn.append(name)
    plt.close("all")
    return printed.getvalue(), drawn


def notebook_page(source: Path) -> None:
    """Run the script of the notebook cell by cell; write ``first_map.ipynb`` and its page."""
    import base64

    text = (DOCS / "gallery" / "notebook" / "first_map.py").read_text(encoding="utf-8")
    names: dict[str, Any] = {"__name__": "first_map"}
    cells: list[dict[str, Any]] = []
    page: list[str] = []
    marks = [*CELL.finditer(text)]
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    for number, (mark, end) in enumerate(zip(marks, ends, strict=True)):
        body = text[mark.end() : end].strip()
        if "[markdown]" in mark.group(0):
            words = re.sub(r"^# ?", "", body, flags=re.MULTILINE)
            cells.append(
                {"cell_type": "markdown", "id": f"c{number}", "metadata": {}, "source": words}
            )
            page += [words, ""]
            continue
        printed, drawn = executed(body, names, source / "notebook", f"cell_{number}")
        outputs: list[dict[str, Any]] = []
        if printed:
            outputs.append({"output_type": "stream", "name": "stdout", "text": printed})
            page += [f"```python\n{body}\n```", f"```text\n{printed.rstrip()}\n```", ""]
        else:
            page += [f"```python\n{body}\n```", ""]
        for name in drawn:
            picture = base64.b64encode((source / "notebook" / name).read_bytes()).decode()
            outputs.append(
                {"output_type": "display_data", "data": {"image/png": picture}, "metadata": {}}
            )
            page += [f"![what it draws](notebook/{name})", ""]
        cells.append({"cell_type": "code", "id": f"c{number}", "metadata": {}, "source": body,
                      "execution_count": number, "outputs": outputs})  # fmt: skip
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    made = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    write(source / "first_map.ipynb", json.dumps(made, indent=1, ensure_ascii=False) + "\n")
    page.insert(1, "\n[Download this notebook](first_map.ipynb)\n")
    write(source / "notebook.md", "\n".join(page) + "\n")


def build(source: Path, out: Path, **settings: Any) -> None:
    """Run MkDocs on the pages, with other settings where they are given; a warning ends it."""
    from mkdocs.commands.build import build as run_mkdocs
    from mkdocs.config import load_config

    config = load_config(
        config_file=str(DOCS / "build" / "mkdocs.yml"),
        docs_dir=str(source),
        site_dir=str(out),
        strict=True,
        **settings,
    )
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    run_mkdocs(config)
    foreign = [
        f"{path.relative_to(out)}: {found}"
        for path in sorted(out.rglob("*.html"))
        for found in re.findall(
            r'<(?:script|link|img)[^>]+(?:src|href)="(https?://[^"]+)"',
            path.read_text(encoding="utf-8"),
        )
        if 'rel="canonical"' not in found
    ]
    if foreign:
        sys.exit("Assets from elsewhere: " + html.unescape("; ".join(foreign[:5])))


def write(path: Path, text: str) -> None:
    """Write a page."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
