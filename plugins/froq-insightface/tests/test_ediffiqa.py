"""eDifFIQA beside its formula; what it has in common with other networks is in plugins/tests."""

import math
from pathlib import Path

import pytest
import torch
from froq_insightface.iresnet import IResNet
from torch import Tensor

from froq_lightning.backbones.registry import create_backbone
from froq_lightning.conformance import check_method
from froq_lightning.methods.registry import create_method


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Tensor]]:
    """A state dict with the published names, and its file; iresnet18's are those of `test_fingerprints`."""
    torch.manual_seed(0)
    state = {f"base_model.{name}": value for name, value in IResNet(18).state_dict().items()}
    state |= {"mlp.l1.weight": torch.randn(1024, 512) / 20, "mlp.l1.bias": torch.randn(1024)}
    state |= {"mlp.l2.weight": torch.randn(1, 1024) / 30, "mlp.l2.bias": torch.randn(1)}
    file = tmp_path_factory.mktemp("weights") / "ediffiqaS.pth"
    torch.save(state, file)
    return file, state


def test_its_quality_is_that_of_the_published_head(published: tuple[Path, dict[str, Tensor]], faces: Tensor) -> None:
    file, state = published
    backbone = create_backbone("ediffiqa_s", weights=str(file))
    extractor = IResNet(18).eval()
    extractor.load_state_dict({name[11:]: value for name, value in state.items() if name.startswith("base_model.")})
    with torch.no_grad():
        embeddings = extractor((faces / 255 - 0.5) / 0.5)
        hidden = embeddings @ state["mlp.l1.weight"].T + state["mlp.l1.bias"]
        gelu = hidden * (1 + torch.erf(hidden / math.sqrt(2))) / 2
        expected = (gelu @ state["mlp.l2.weight"].T + state["mlp.l2.bias"])[:, 0]
        own = backbone.embed(backbone.run(backbone.inputs(faces)))
    torch.testing.assert_close(own, embeddings)
    scores = create_method("network_quality").score(backbone, faces)
    torch.testing.assert_close(scores, expected)
    assert len(set(scores.tolist())) == 3


def test_network_quality_keeps_its_contract_on_it(published: tuple[Path, dict[str, Tensor]], faces: Tensor) -> None:
    check_method(create_method("network_quality"), create_backbone("ediffiqa_s", weights=str(published[0])), faces)
