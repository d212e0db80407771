"""Real videos of people, end to end; skipped where there are none."""

import json
from pathlib import Path

from iic_ptv.cli.main import main


def test_pretrain_and_retrieve_real_actions(real_data: Path, tmp_path: Path) -> None:
    folder = real_data / "real_actions"
    small = [
        *("DATA.CLIP_LENGTH", "4", "DATA.FRAME_SIZE", "[28, 36]", "DATA.CROP", "24", "DATA.NUM_WORKERS", "0"),
        *("MODEL.OPTIONS.width", "0.0625", "OPTIM.EPOCHS", "1", "TRAINER.ACCELERATOR", "cpu", "EVAL.NUM_CLIPS", "2"),
        *("OUTPUT", str(tmp_path)),
    ]
    lists = ["DATA.LISTS", str(folder / "splits/trainlist02.txt")]
    main(["pretrain", "--data", str(folder / "videos"), *lists, *small])
    (run,) = (tmp_path / "pretrain").iterdir()
    metrics = json.loads((run / "metrics.json").read_text())
    assert (metrics["videos"], metrics["bad_videos"]) == (35, 0)

    query = str(folder / "splits/testlist02.txt")
    main(["retrieve", "--checkpoint", str(run), "--query", query, "OUTPUT", str(tmp_path)])
    (scores,) = (tmp_path / "retrieve").glob("*/metrics.json")
    scores = json.loads(scores.read_text())
    assert (scores["gallery_videos"], scores["query_videos"]) == (35, 25)
    assert 0 <= scores["joint"]["top1"] <= scores["joint"]["top50"] == 1
