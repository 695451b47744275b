"""Where the authors of MagFace and eDifFIQA publish their weights."""

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
