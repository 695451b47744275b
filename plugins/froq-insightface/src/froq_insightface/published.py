"""Where the authors of MagFace, eDifFIQA and ViT-FIQA publish their weights."""

from froq_lightning.backbones.published import PublishedWeights

MAGFACE_IRESNET100 = PublishedWeights(
    "magface_iresnet100",
    "https://drive.google.com/file/d/1Bd87admxOZvbIOAyTkGEntsEz3fyMt7H/view",
    "https://github.com/IrvingMeng/MagFace/blob/main/README.md",
    by_hand=True,
)

# A folder with a file for each size: ediffiqaS.pth, ediffiqaM.pth, ediffiqaL.pth.
_EDIFFIQA = (
    "https://unilj-my.sharepoint.com/:f:/g/personal/zb4290_student_uni-lj_si/"
    "EpxkJRo7artCud18dC2NAXcBAegU0uDaSMPwzG9ufcXkLg?e=zhsnho"
)
_EDIFFIQA_SOURCE = "https://github.com/LSIbabnikz/eDifFIQA/blob/main/README.md"
EDIFFIQA_S = PublishedWeights("ediffiqa_s", _EDIFFIQA, _EDIFFIQA_SOURCE, by_hand=True)
EDIFFIQA_M = PublishedWeights("ediffiqa_m", _EDIFFIQA, _EDIFFIQA_SOURCE, by_hand=True)
EDIFFIQA_L = PublishedWeights("ediffiqa_l", _EDIFFIQA, _EDIFFIQA_SOURCE, by_hand=True)

_VITFIQA = "https://drive.google.com/drive/u/0/folders/1CZVZnZbnoNaxk_xHhIHU5yLRi7Iqa1jP"
_VITFIQA_SOURCE = "https://github.com/atzoriandrea/ViT-FIQA-Assessing-Face-Image-Quality-using-Vision-Transformers/blob/main/README.md"
VITFIQA_T = PublishedWeights("vitfiqa_t", _VITFIQA, _VITFIQA_SOURCE, "CC BY-NC 4.0", by_hand=True)
VITFIQA_C = PublishedWeights("vitfiqa_c", _VITFIQA, _VITFIQA_SOURCE, "CC BY-NC 4.0", by_hand=True)
