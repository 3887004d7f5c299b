"""A file of another version, gone or not whole is told apart from a wrong wish."""

from pathlib import Path

import pytest

from minerisk.features.errors import MakeAgainError
from minerisk.pipelines.language.desk_codes import DeskCode
from minerisk.pipelines.records.request import PackManifest
from minerisk.pipelines.service.errors import notice_of


@pytest.mark.parametrize(
    "content", ['{"schema_version": 99}', "{}", "no JSON", '{"schema_version": 1}']
)
def test_a_document_that_cannot_be_read_is_to_be_made_again(tmp_path: Path, content: str) -> None:
    path = tmp_path / "manifest.json"
    with pytest.raises(MakeAgainError, match="There is no"):
        PackManifest.read(path)
    path.write_text(content)
    with pytest.raises(MakeAgainError, match="make it again") as refused:
        PackManifest.read(path)
    assert notice_of(refused.value).code is DeskCode.RUN_NOT_READ
