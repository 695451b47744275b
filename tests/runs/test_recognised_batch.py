import json

import torch

from froq_lightning.journal.block import Block
from froq_lightning.runs.recognised_batch import RecognisedBatch, RecognisedPart


def test_a_step_is_the_same_after_the_journal() -> None:
    part = RecognisedPart(
        torch.tensor([4, 1]),
        torch.rand(2, 5),
        torch.tensor([[0.5, torch.nan], [1.5, -2.0]], dtype=torch.float64),
        [7],
        {"": 1.5, "froq": 2.5},
        {"other": "no dropout"},
    )
    batch = RecognisedBatch(3, 4, {9: "file is empty"}, (part, RecognisedPart.empty(6, 1)))
    again = RecognisedBatch.from_block(Block.from_bytes(batch.block().to_bytes()))
    assert (again.data_set, again.samples, again.failures) == (3, 4, {9: "file is empty"})
    for one, other in zip(again.parts, batch.parts, strict=True):
        for name in ("sample_index", "embeddings", "qualities"):
            torch.testing.assert_close(getattr(one, name), getattr(other, name), rtol=0, atol=0, equal_nan=True)
        assert (one.not_finite, one.milliseconds, one.refusals) == (
            other.not_finite,
            other.milliseconds,
            other.refusals,
        )
    assert json.dumps(again.block().facts) == json.dumps(batch.block().facts)
