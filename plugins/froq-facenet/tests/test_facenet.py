"""What is facenet's own; what it has in common with others is in plugins/tests."""

import torch
from froq_facenet.backbone import facenet


def test_embeddings_have_length_one() -> None:
    backbone = facenet()
    embeddings = backbone.embed(backbone.run(backbone.inputs(torch.rand(3, 3, 160, 160))))
    torch.testing.assert_close(embeddings.norm(dim=1), torch.ones(3))
