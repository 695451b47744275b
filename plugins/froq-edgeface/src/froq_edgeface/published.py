"""Where the authors of EdgeFace publish its weights."""

from froq_lightning.backbones.published import PublishedWeights

SOURCE = "https://github.com/otroshi/edgeface/blob/main/hubconf.py"
CHECKPOINTS = "https://gitlab.idiap.ch/bob/bob.paper.tbiom2023_edgeface/-/raw/master/checkpoints"
# As that card on the hub states; the repository itself is under the BSD 3-Clause License.
LICENCE = "CC-BY-NC-SA-4.0 (card of Idiap/EdgeFace-XXS)"

EDGEFACE_XXS = PublishedWeights("edgeface_xxs", f"{CHECKPOINTS}/edgeface_xxs.pt", SOURCE, LICENCE)
EDGEFACE_XS = PublishedWeights("edgeface_xs", f"{CHECKPOINTS}/edgeface_xs_gamma_06.pt", SOURCE, LICENCE)
EDGEFACE_S = PublishedWeights("edgeface_s", f"{CHECKPOINTS}/edgeface_s_gamma_05.pt", SOURCE, LICENCE)
EDGEFACE_BASE = PublishedWeights("edgeface_base", f"{CHECKPOINTS}/edgeface_base.pt", SOURCE, LICENCE)
